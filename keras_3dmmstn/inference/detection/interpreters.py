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

# Each picture size needs its own memory plan, which takes as long to make as a search. The plans of
# so many sizes are kept: two photograph formats, each searched at two sizes, and the square of the
# closer look.
_KEPT = 5


class Interpreters:
    """The interpreters of a network, for several picture sizes.

    Two threads must not use an interpreter at the same time: there are as many of each size as were
    ever in use at once. They are made when needed, and are not part of a pickle or a copy.

    Args:
        file: the network's file, among the package's assets.
        threads: number of threads for one picture.
    """

    def __init__(self, file: str, threads: int = 1):
        self.file, self.threads = file, threads
        self._idle: OrderedDict[tuple[int, ...], list[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self):
        return type(self), (self.file, self.threads)

    @contextmanager
    def of_shape(self, shape: tuple[int, ...]) -> Iterator[Any]:
        """Gives an interpreter for an input of this shape; initially the input is 0."""
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
