"""Reads pickles that should contain only arrays, without running anything in them."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.mesh.formats.pickle_machine import MOST_OBJECTS, PickleMachine
from keras_3dmmstn.mesh.formats.pickled_values import Copies, Inert, Name, PickledArray, PickledType
from keras_3dmmstn.mesh.numpy_files import npy_header
from keras_3dmmstn.outside_files import memory_limit, read_file

# How deep containers may be nested. FLAME needs five.
_DEEPEST = 50


def load_array_pickle(path: str | Path) -> Any:
    """Reads a pickle of arrays, numbers, strings and containers of them.

    Nothing that the pickle names is imported or called: an interpreter of the format builds arrays
    of plain numbers from their bytes. Chumpy objects, SciPy's sparse matrices and PyTorch tensors,
    which published models contain beside arrays, become `Inert`. Python 2 pickles, and `.npy`
    files that contain a pickled object, are read in the same way. Arrays are read-only.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the pickle contains anything else (the message names it), is damaged, or
            asks for more memory than a file of its size may take.
    """
    content = read_file(path)
    try:
        if content.startswith(np.lib.format.MAGIC_PREFIX):
            content = _behind_npy_header(content)
        copies = Copies(memory_limit(len(content)))
        return _Plain(copies).of(PickleMachine(content, copies).run())
    except Exception as error:  # a damaged pickle raises almost anything
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise ValueError(
            f"Expected a pickle of arrays, received {path}, which cannot be read as one: {reason}."
        ) from error


def array_of(value: Any) -> Any:
    """Returns the array inside a chumpy stand-in, and anything else unchanged."""
    if isinstance(value, Inert) and isinstance(value.state, dict) and "x" in value.state:
        return value.state["x"]
    return value


class _Plain:
    """Replaces unfinished arrays with arrays throughout a pickle's value.

    A container may occur in the value many times, or in itself. Each occurrence counts, so that
    code that walks through the value later meets a bounded tree.
    """

    def __init__(self, copies):
        self._copies, self._objects = copies, 0

    def of(self, value, depth=0, in_list=False):
        """Returns the plain value; arrays in lists count by their bytes, as they get stacked."""
        if depth > _DEEPEST:
            raise ValueError(f"containers more than {_DEEPEST} deep")
        if isinstance(value, PickledArray):
            if not value.is_set:
                raise ValueError("an array without data")
            return self.of(value.value, depth + 1, in_list)
        if isinstance(value, (Name, PickledType)):
            raise ValueError("a name where an array should be")
        self._objects += 1
        if self._objects > MOST_OBJECTS:
            raise ValueError(f"more than {MOST_OBJECTS:,} values")
        if in_list and isinstance(value, np.ndarray):
            self._copies.add(value.nbytes)
        if isinstance(value, dict):
            return {key: self.of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.of(item, depth + 1, True) for item in value)
        if isinstance(value, Inert):
            value.arguments = ()
            value.state = self.of(value.state, depth + 1)
        return value


def _behind_npy_header(content):
    """Returns the pickle behind the header of an .npy file."""
    stream = BytesIO(content)
    shape, dtype = npy_header(stream)
    if not dtype.hasobject or shape != ():
        raise ValueError("an .npy file of numbers, not of a pickled dictionary")
    return content[stream.tell() :]
