"""The detector's network, run by LiteRT."""

import functools
import threading
import warnings
from collections import OrderedDict
from importlib import resources

import numpy as np

#: The file of the network, among the package's assets.
DETECTOR_FILE = "face_detector.tflite"

# Pictures of another size need another plan of the memory, which takes as long as a search. So many
# plans are kept in each thread.
_KEPT = 4
_making = threading.Lock()


class DetectorNetwork:
    """Runs the bundled network on pictures whose sides are multiples of 32.

    An interpreter must not be used by two threads, so each has its own. They are made when they
    are needed and are no part of a pickle or a copy.

    Args:
        threads: that one picture is computed with.
    """

    def __init__(self, threads: int = 1):
        self.threads = threads
        self._own = threading.local()

    def __getstate__(self):
        return {"threads": self.threads}

    def __setstate__(self, state):
        self.__init__(**state)

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """Returns the maps `(height / s, width / s, 16)` for the strides s = 8, 16 and 32.

        Args:
            image: `(height, width, 3)` uint8 RGB; it may be smaller than the next multiples of 32,
                which are then filled with black.
        """
        interpreter = self._interpreter(tuple(-(-side // 32) * 32 for side in image.shape[:2]))
        (entry,) = interpreter.get_input_details()
        # The first row and column are the padding of the first convolution.
        pixels = interpreter.tensor(entry["index"])()[0, 1:, 1:]
        pixels[: image.shape[0], : image.shape[1]] = image
        pixels[image.shape[0] :] = 0
        pixels[: image.shape[0], image.shape[1] :] = 0
        del pixels  # an interpreter does not run while its memory is looked at
        interpreter.invoke()
        maps = [interpreter.get_tensor(out["index"])[0] for out in interpreter.get_output_details()]
        return sorted(maps, key=lambda values: -values.shape[0])

    def _interpreter(self, shape):
        """Returns this thread's interpreter for pictures of a shape (height, width)."""
        kept = self._own.__dict__.setdefault("interpreters", OrderedDict())
        if shape not in kept:
            if len(kept) == _KEPT:
                kept.popitem(last=False)
            kept[shape] = _make_interpreter(shape, self.threads)
        kept.move_to_end(shape)
        return kept[shape]


def _make_interpreter(shape, threads):
    """Returns a new interpreter whose input is zero."""
    with _making, warnings.catch_warnings():
        # TensorFlow advises LiteRT as a package of its own, which is an extra here.
        warnings.filterwarnings("ignore", message=r"(?s).*tf\.lite\.Interpreter is deprecated")
        interpreter = _interpreter_class()(model_content=_model(), num_threads=threads)
    (entry,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(entry["index"], (1, shape[0] + 1, shape[1] + 1, 3))
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
def _model():
    return (resources.files("keras_3dmmstn.assets") / DETECTOR_FILE).read_bytes()
