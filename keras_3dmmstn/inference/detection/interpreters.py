"""The detector's networks, run by LiteRT."""

import functools
import threading
import warnings
from collections import OrderedDict
from importlib import resources

# Pictures of another size need another plan of the memory, which takes as long as a search. So many
# plans are kept in each thread.
_KEPT = 4
_making = threading.Lock()


class Interpreters:
    """The interpreters of a network, one for each thread and each size of pictures.

    An interpreter must not be used by two threads. They are made when they are needed and are no
    part of a pickle or a copy.

    Args:
        file: the network's, among the package's assets.
        threads: that one picture is computed with.
    """

    def __init__(self, file: str, threads: int = 1):
        self.file, self.threads = file, threads
        self._own = threading.local()

    def __reduce__(self):
        return type(self), (self.file, self.threads)

    def of_shape(self, shape: tuple[int, ...]):
        """Returns this thread's interpreter for an input of a shape; at first the input is 0."""
        kept = self._own.__dict__.setdefault("interpreters", OrderedDict())
        if shape not in kept:
            if len(kept) == _KEPT:
                kept.popitem(last=False)
            kept[shape] = _make_interpreter(_model(self.file), shape, self.threads)
        kept.move_to_end(shape)
        return kept[shape]


def _make_interpreter(model, shape, threads):
    with _making, warnings.catch_warnings():
        # TensorFlow advises LiteRT as a package of its own, which is an extra here.
        warnings.filterwarnings("ignore", message=r"(?s).*tf\.lite\.Interpreter is deprecated")
        interpreter = _interpreter_class()(model_content=model, num_threads=threads)
    (entry,) = interpreter.get_input_details()
    if tuple(entry["shape"]) != shape:
        interpreter.resize_tensor_input(entry["index"], shape)
    interpreter.allocate_tensors()
    interpreter.tensor(entry["index"])().fill(0)
    return interpreter


def _interpreter_class():
    """Returns LiteRT's interpreter: that of its own package, or else TensorFlow's."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tensorflow.lite.python.interpreter import Interpreter
    return Interpreter


@functools.cache
def _model(file):
    return (resources.files("keras_3dmmstn.assets") / file).read_bytes()
