"""The detector's networks, run by LiteRT."""

import functools
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

from ai_edge_litert.interpreter import Interpreter

logger = logging.getLogger(__name__)

# Pictures of another size need another plan of the memory, which takes as long as a search. The
# plans of so many sizes are kept: two formats of photographs are each searched at two sizes, and
# the square of the closer look is one more.
_KEPT = 5


class Interpreters:
    """The interpreters of a network, for some sizes of pictures.

    An interpreter must not be used by two threads at a time: there are as many of a size as were
    ever used at once. They are made when they are needed and are no part of a pickle or a copy.

    Args:
        file: the network's, among the package's assets.
        threads: that one picture is computed with.
    """

    def __init__(self, file: str, threads: int = 1):
        self.file, self.threads = file, threads
        self._idle: OrderedDict[tuple[int, ...], list[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self):
        return type(self), (self.file, self.threads)

    @contextmanager
    def of_shape(self, shape: tuple[int, ...]) -> Iterator[Any]:
        """Gives an interpreter for an input of a shape; at first the input is 0."""
        with self._lock:
            idle = self._idle.get(shape)
            interpreter = idle.pop() if idle else None
        if interpreter is None:
            interpreter = _make_interpreter(_model(self.file), shape, self.threads)
            about = self.file, " x ".join(map(str, shape)), self.threads
            logger.debug("LiteRT runs %s on %s, threads: %d", *about)
        try:
            yield interpreter
        finally:
            with self._lock:
                self._idle.setdefault(shape, []).append(interpreter)
                self._idle.move_to_end(shape)
                if len(self._idle) > _KEPT:
                    self._idle.popitem(last=False)


def _make_interpreter(model, shape, threads):
    interpreter = Interpreter(model_content=model, num_threads=threads)
    (entry,) = interpreter.get_input_details()
    if tuple(entry["shape"]) != shape:
        interpreter.resize_tensor_input(entry["index"], shape)
    interpreter.allocate_tensors()
    interpreter.tensor(entry["index"])().fill(0)
    return interpreter


@functools.cache
def _model(file):
    return (resources.files("keras_3dmmstn.assets") / file).read_bytes()
