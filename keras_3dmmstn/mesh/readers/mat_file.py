"""Reads the numeric arrays of MATLAB files, such that a damaged file ends in an error."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

# The format's names for what an element holds. scipy.io.loadmat reads more kinds of variables,
# but some damaged files bring down the whole process there.
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"} | {
    12: "i8",
    13: "u8",
}
_NUMERIC_CLASSES = range(6, 16)  # double, single, and integers of 1 to 8 bytes
_COMPLEX = 0x800
_HEADER = 128


def read_mat(path: str | Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Reads real arrays of a MATLAB file, level 5 (versions 5 to 7.2).

    Returns:
        Name to array of at least two axes, for those of `names` that the file has.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else.

    Source:
        MathWorks, "MAT-File Format", 2019, ch. 1.
    """
    content = memoryview(Path(path).read_bytes())
    order = {b"IM": "<", b"MI": ">"}.get(bytes(content[_HEADER - 2 : _HEADER]))
    if order is None or bytes(content[:10]) == b"MATLAB 7.3":
        raise ValueError(f"Expected a MATLAB file of version 5 to 7.2, received {path}.")
    try:
        return dict(_read_matrices(content[_HEADER:], order, set(names)))
    except (struct.error, zlib.error, KeyError, StopIteration, UnicodeDecodeError, ValueError) as e:
        raise ValueError(f"Expected a MATLAB file, received {path}, damaged: {e}.") from e


def _read_matrices(content, order, names) -> Iterator[tuple[str, np.ndarray]]:
    """Yields name and array of the wanted variables."""
    for kind, data in _elements(content, order):
        if kind == _COMPRESSED:
            yield from _read_matrices(memoryview(zlib.decompress(data)), order, names)
        elif kind == _MATRIX:
            parts = _elements(data, order)
            flags = _numbers(next(parts), order)
            shape = _numbers(next(parts), order)
            name = bytes(next(parts)[1]).decode("ascii")
            if name in names and flags[0] & 0xFF in _NUMERIC_CLASSES and not flags[0] & _COMPLEX:
                yield name, _numbers(next(parts), order).reshape(shape, order="F")


def _elements(content, order) -> Iterator[tuple[int, memoryview]]:
    """Yields kind and data of the elements, one after the other."""
    offset = 0
    while offset < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, offset)
        start, end = offset + 8, offset + 8 + size
        offset = end if kind == _COMPRESSED else end + -size % 8
        if kind >> 16:  # up to four bytes, in the second half of the tag
            kind, size = kind & 0xFFFF, kind >> 16
            start, offset = start - 4, start
            end = start + min(size, 4)
        if end > len(content):
            raise ValueError("it ends within an array")
        yield kind, content[start:end]


def _numbers(element, order):
    """Returns an element's data as a flat array."""
    kind, data = element
    return np.frombuffer(data, order + _NUMBERS[kind])
