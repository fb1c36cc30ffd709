"""Reads pickles that should hold arrays only, without running anything that is in them."""

import pickle
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np


class Inert:
    """Stands in for an object of a class that is known and not needed: it keeps its state.

    Attributes:
        state: what the pickle says the object's attributes are.
    """

    def __init__(self, *arguments: Any):
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _reconstruct_inert(kind, *_):
    """Does for stand-ins what `copyreg._reconstructor` does for any class."""
    if kind is not Inert:
        raise pickle.UnpicklingError("an object that is neither an array nor a known stand-in")
    return Inert()


def _encode_latin1(text, *_):
    """Does for bytes in old pickles what `_codecs.encode` does for any codec."""
    return text.encode("latin1")


def _array_functions() -> dict[tuple[str, str], Callable]:
    """Returns what the pickle of an array or a NumPy scalar calls, by module and name."""
    # Taken from NumPy's own pickles, so that no private name of NumPy is imported.
    reconstruct: Any = np.zeros(1).__reduce__()[0]
    scalar: Any = np.float64(0).__reduce__()[0]
    buffer: Any = np.zeros(1).__reduce_ex__(5)[0]
    admitted: dict[tuple[str, str], Callable] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encode_latin1,
        ("copy_reg", "_reconstructor"): _reconstruct_inert,
        ("copyreg", "_reconstructor"): _reconstruct_inert,
        ("__builtin__", "object"): object,
        ("builtins", "object"): object,
        ("__builtin__", "set"): set,
        ("builtins", "set"): set,
    }
    for core in ("numpy.core", "numpy._core"):
        admitted[f"{core}.multiarray", "_reconstruct"] = reconstruct
        admitted[f"{core}.multiarray", "scalar"] = scalar
        admitted[f"{core}.numeric", "_frombuffer"] = buffer
    return admitted


_ARRAY_FUNCTIONS = _array_functions()

# Found beside the arrays in published files. Objects of these are kept as `Inert`.
_INERT = {
    ("chumpy.ch", "Ch"),
    ("scipy.sparse.csc", "csc_matrix"),
    ("scipy.sparse._csc", "csc_matrix"),
    ("scipy.sparse.csr", "csr_matrix"),
    ("scipy.sparse._csr", "csr_matrix"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch.storage", "_load_from_bytes"),
    ("collections", "OrderedDict"),
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) in _ARRAY_FUNCTIONS:
            return _ARRAY_FUNCTIONS[module, name]
        if (module, name) in _INERT:
            return Inert
        raise pickle.UnpicklingError(f"{module}.{name}, which is no array")


def load_array_pickle(path: str | Path) -> Any:
    """Reads a pickle of arrays, numbers, strings and containers of them.

    Nothing that the pickle names is imported or called but NumPy's own array constructors.
    Objects of chumpy, SciPy's sparse matrices and PyTorch's tensors, which published models
    carry beside arrays, become `Inert`. Pickles of Python 2 are read as well. A `.npy` file that
    holds a pickled object is read in the same way.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the pickle holds anything else, naming it, or is damaged.
    """
    content = Path(path).read_bytes()
    stream = BytesIO(content)
    try:
        if content.startswith(np.lib.format.MAGIC_PREFIX):
            _skip_npy_header(stream)
        value = _ArrayUnpickler(stream, encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises almost anything
        raise ValueError(
            f"Expected a pickle of arrays, received {path}, which cannot be read as one: {error}."
        ) from error
    # NumPy saves a dictionary as an array of one object.
    return value.item() if isinstance(value, np.ndarray) and value.shape == () else value


def array_of(value: Any) -> Any:
    """Returns the array inside a chumpy stand-in, and anything else as it is."""
    if isinstance(value, Inert) and isinstance(value.state, dict) and "x" in value.state:
        return value.state["x"]
    return value


def _skip_npy_header(stream):
    """Moves past the header of an .npy file to the pickle behind it."""
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = read[version](stream)
    if not dtype.hasobject or shape != ():
        raise ValueError("an .npy file of numbers, not of a pickled dictionary")
