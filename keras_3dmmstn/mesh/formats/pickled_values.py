"""What a pickle may create: arrays of plain numbers, and stand-ins for what is not needed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

# Kinds and sizes of numbers allowed in arrays.
_DTYPES = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"}

# What the pickles of arrays and NumPy scalars call, and what they pass as arguments.
_ARRAY_NAMES = {
    **{(f"{core}.multiarray", "_reconstruct"): "array" for core in ("numpy.core", "numpy._core")},
    **{(f"{core}.multiarray", "scalar"): "scalar" for core in ("numpy.core", "numpy._core")},
    **{(f"{core}.numeric", "_frombuffer"): "buffer" for core in ("numpy.core", "numpy._core")},
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    **{(module, "_reconstructor"): "reconstructor" for module in ("copy_reg", "copyreg")},
    **{(module, "object"): "object" for module in ("__builtin__", "builtins")},
    **{(module, "bytes"): "bytes" for module in ("__builtin__", "builtins")},
    **{(module, "set"): "set" for module in ("__builtin__", "builtins")},
}

# Found beside the arrays in published files. Objects of these classes become `Inert`.
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


class Inert:
    """Stands in for an object of a class that is known but not needed; it keeps its state.

    Attributes:
        state: the object's attributes according to the pickle.
    """

    def __init__(self, *arguments: Any):
        self.arguments = arguments
        self.state: Any = None


class Name(NamedTuple):
    """A name that a pickle may use: that of a function of NumPy's pickles, or of a stand-in."""

    role: str

    @property
    def is_inert(self) -> bool:
        return self.role == "inert"


@dataclass
class Copies:
    """Counts bytes that a pickle's instructions copy, up to a limit."""

    limit: int
    made: int = 0

    def add(self, size: int) -> None:
        """Raises a ValueError once more than `limit` bytes have been copied."""
        self.made += size
        if self.made > self.limit:
            raise ValueError(f"copies of more than {self.limit:,} bytes")


@dataclass
class PickledType:
    """An unfinished dtype: `code`, such as `f8`, and its byte order.

    The type `O8` is that of the single array in a `.npy` file of a dictionary.
    """

    code: str
    order: str = "="

    @property
    def holds_objects(self) -> bool:
        return self.code in ("O4", "O8")

    def numpy(self) -> np.dtype:
        """Returns NumPy's type of the numbers."""
        if self.code not in _DTYPES:
            raise ValueError(f"an array of type {self.code}, which are no plain numbers")
        return np.dtype(self.order + self.code)


@dataclass
class PickledArray:
    """An unfinished array: empty until its state is set."""

    value: Any = field(default=None)
    is_set: bool = False


def named(module: Any, name: Any) -> Name:
    """Returns what a name in a pickle stands for, if it may be used."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise ValueError("a name that is no text")
    if (module, name) in _ARRAY_NAMES:
        return Name(_ARRAY_NAMES[module, name])
    if (module, name) in _INERT:
        return Name("inert")
    raise ValueError(f"{module[:80]}.{name[:80]}, which is no array")


def checked_key(key: Any) -> Any:
    """Returns a dictionary key or set item after checking that it is a text or a small number."""
    is_small = isinstance(key, int) and abs(key) < 2**31
    if isinstance(key, (str, bytes)) or key is None or is_small:
        return key
    raise ValueError(f"a key of type {type(key).__name__}, where only texts and numbers may be")


def called(function: Any, arguments: Any, copies: Copies) -> Any:
    """Does what a call of an allowed name would do."""
    if not isinstance(function, Name) or not isinstance(arguments, tuple):
        raise ValueError("a call of something that is no name")
    if function.is_inert:
        return Inert(*arguments)
    makers: dict[str, Callable[..., Any]] = {
        "array": _new_array,
        "scalar": _scalar,
        "buffer": _array_of_buffer,
        "dtype": _new_type,
        "encode": _encoded,
        "bytes": _no_bytes,
        "reconstructor": _reconstructed,
        "set": _new_set,
    }
    if function.role not in makers:
        raise ValueError(f"a call of {function.role}, which makes no array here")
    made = makers[function.role](*arguments)
    if isinstance(made, bytes):
        copies.add(len(made))
    return made


def built(target: Any, state: Any, copies: Copies) -> Any:
    """Sets the state of an unfinished object and returns it."""
    if isinstance(target, Inert):
        target.state = state
    elif isinstance(target, PickledType):
        _set_type_state(target, state)
    elif isinstance(target, PickledArray) and not target.is_set:
        target.value, target.is_set = _array_of_state(copies, *state), True
    else:
        raise ValueError(f"a state for {type(target).__name__}, which takes none")
    return target


def _new_array(kind, *_):
    if kind != Name("ndarray"):
        raise ValueError("an array of a class of its own")
    return PickledArray()


def _new_type(code, *_):
    if not isinstance(code, str) or not (code in _DTYPES or code in ("O4", "O8")):
        raise ValueError(f"an array of type {str(code)[:40]!r}, which are no plain numbers")
    return PickledType(code)


def _set_type_state(target, state):
    """Takes the byte order; a plain type has no parts, shape, size or flags of its own."""
    if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "=", "|"):
        raise ValueError("a damaged type of an array")
    order, parts = state[1], state[2:5]
    # −1 leaves size and alignment to the type. NumPy's flags for an array of objects are 63.
    rest, plain = state[5:8], (-1, -1, 63 if target.holds_objects else 0)
    if any(part is not None for part in parts) or not all(
        type(value) is int and value == expected
        for value, expected in zip(rest, plain, strict=False)
    ):
        raise ValueError("a type of an array that is more than plain numbers")
    target.order = "=" if order == "|" else order


def _array_of_state(copies, _version, shape, dtype, is_fortran, data):
    """Returns the array `(shape)` of a state in NumPy's pickle format."""
    if not isinstance(dtype, PickledType):
        raise ValueError("an array without a type")
    if dtype.holds_objects:
        if shape != () or not isinstance(data, list) or len(data) != 1:
            raise ValueError("an array of objects")
        return data[0]
    if isinstance(data, str):  # of Python 2
        copies.add(len(data))
        data = data.encode("latin1")
    return _array(data, dtype, shape, "F" if is_fortran else "C")


def _array_of_buffer(data, dtype, shape, order):
    made = PickledArray()
    made.value, made.is_set = _array(data, dtype, shape, order), True
    return made


def _scalar(dtype, data):
    data = data.encode("latin1") if isinstance(data, str) else data
    return _array(data, dtype, (), "C")[()]


def _array(data, dtype, shape, order):
    """Returns the array of a buffer that contains its numbers and nothing else."""
    if not isinstance(data, (bytes, bytearray)) or not isinstance(dtype, PickledType):
        raise ValueError("an array without data or type")
    if not isinstance(shape, tuple) or len(shape) > 8 or order not in ("C", "F"):
        raise ValueError("an array without a shape")
    if not all(type(side) is int and 0 <= side < 2**62 for side in shape):
        raise ValueError("an array whose shape is no shape")
    numbers, count = dtype.numpy(), 1
    for side in shape:
        count *= side
    if count * numbers.itemsize != len(data):
        raise ValueError(f"an array of shape {shape} of {numbers} in {len(data):,} bytes")
    return np.frombuffer(data, numbers).reshape(shape, order=order)


def _encoded(text, *_):
    if not isinstance(text, str):
        raise ValueError("bytes that are no text")
    return text.encode("latin1")


def _no_bytes():
    """Returns empty bytes, which old protocols write as a call of `bytes`."""
    return b""


def _reconstructed(kind, *_):
    if not isinstance(kind, Name) or not kind.is_inert:
        raise ValueError("an object that is neither an array nor a known stand-in")
    return Inert()


def _new_set(items=()):
    if not isinstance(items, (list, tuple)):
        raise ValueError("a set of something that is no list")
    return {checked_key(item) for item in items}
