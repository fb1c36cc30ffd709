"""Reads MATLAB files in such a way that a damaged file raises an error.

scipy.io.loadmat reads more kinds of variables, but some damaged files crash the whole process
there, and small files may ask for any amount of memory.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.outside_files import check_memory, memory_limit, read_file

# The format's names for the content of an element.
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"} | {
    12: "i8",
    13: "u8",
}
_TEXTS = {1: "latin1", 2: "latin1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
# The format's names for kinds of variables.
_CELLS, _STRUCT, _CHARACTERS = 1, 2, 4
_NUMERIC_CLASSES = range(6, 16)  # double, single, and integers of 1 to 8 bytes
_COMPLEX = 0x800
_HEADER, _TAG = 128, 8

# How deep structs and cells may be nested. VGG-Face needs five.
_DEEPEST = 20
_MOST_VALUES, _MOST_FIELDS = 1_000_000, 1000

_NOTHING = np.zeros((0, 0))


def read_mat(path: str | Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Reads real arrays of a MATLAB file, level 5 (versions 5 to 7.2).

    Returns:
        Name to array of at least two axes, for those of `names` that the file has. Arrays are
        read-only.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else, or asks for more memory than a file of its
            size may take.

    Source:
        MathWorks, "MAT-File Format", 2019, ch. 1.
    """
    values = read_mat_values(path, names)
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def read_mat_values(path: str | Path, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Reads variables of more kinds from a MATLAB file, level 5 (versions 5 to 7.2).

    Returns:
        Name to value, for those of `names` that the file has; None stands for all. A real array
        becomes an array; a text, a string, row by row; a struct, a dictionary of its fields; an
        array of several structs, a list of dictionaries; cells, a list. Lists go down the columns.
        Anything else, such as a sparse matrix, becomes None.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: as for `read_mat`.
    """
    content = memoryview(read_file(path))
    order = {b"IM": "<", b"MI": ">"}.get(bytes(content[_HEADER - 2 : _HEADER]))
    if order is None or bytes(content[:10]) == b"MATLAB 7.3":
        raise ValueError(
            f"{path}: expected a MATLAB file of version 5 to 7.2, received something else."
        )
    wanted = None if names is None else set(names)
    try:
        return dict(_read_variables(content[_HEADER:], wanted, _Reading(order, len(content))))
    except Exception as error:  # a damaged file raises almost anything
        reason = str(error).strip().split("\n")[0][:300] or type(error).__name__
        raise ValueError(
            f"{path}: expected a MATLAB file of version 5 to 7.2, received a damaged one: {reason}."
        ) from error


class _Reading:
    """One file: its byte order, and how much memory and how many values it has used up."""

    def __init__(self, order, size):
        self.order, self._size = order, size
        self._inflated, self._values = 0, 0

    def inflated(self, data):
        """Returns a compressed variable, unless the file asks for more memory than it may."""
        inflater = zlib.decompressobj()
        room = max(memory_limit(self._size) - self._inflated, 0)
        inflated = inflater.decompress(data, room + 1)
        self._inflated += len(inflated)
        check_memory("its compressed variables", self._size, self._inflated)
        if not inflater.eof:
            raise ValueError("it ends within a compressed variable")
        return memoryview(inflated)

    def several(self, parts, count):
        """Yields as many elements as counted; they must exist, as the count is not trusted."""
        self._values += count
        if self._values > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} variables within others")
        for _ in range(count):
            yield _next(parts)


def _read_variables(content, wanted, reading) -> Iterator[tuple[str, Any]]:
    """Yields the name and value of each wanted variable."""
    for element in _elements(content, reading.order):
        kind, data = element
        if kind == _COMPRESSED:
            kind, data = next(_elements(reading.inflated(data), reading.order), element)
        if kind == _MATRIX:
            parts = _elements(data, reading.order)
            head = _head(parts, reading.order)
            if wanted is None or head[2] in wanted:
                yield head[2], _value(parts, reading, head[0], head[1], 0)


def _head(parts, order):
    """Returns the flags, shape and name of a variable, and leaves its data in `parts`."""
    flags, shape = _numbers(_next(parts), order), _numbers(_next(parts), order).tolist()
    name = bytes(_next(parts)[1]).decode("ascii")
    if not flags.size or not 2 <= len(shape) <= 32 or min(shape) < 0:
        raise ValueError("a variable without a shape")
    return int(flags[0]), shape, name


def _value(parts, reading, flags, shape, depth):
    """Returns the value of a variable whose head was read; None if it is of another kind."""
    kind = flags & 0xFF
    if depth > _DEEPEST:
        raise ValueError(f"variables more than {_DEEPEST} deep")
    if kind in _NUMERIC_CLASSES and not flags & _COMPLEX:
        return _numbers(_next(parts), reading.order).reshape(shape, order="F")
    if kind == _CHARACTERS:
        return _text(_next(parts), reading.order, shape)
    if kind == _CELLS:
        return [
            _inner_value(part, reading, depth) for part in reading.several(parts, _count(shape))
        ]
    if kind == _STRUCT:
        return _structs(parts, reading, _count(shape), depth)
    return None


def _structs(parts, reading, count, depth):
    """Returns a struct as a dictionary, or several as a list of dictionaries."""
    (width,) = _numbers(_next(parts), reading.order).tolist()
    block = bytes(_next(parts)[1])
    if not 0 < width <= 1024 or len(block) % width or len(block) > _MOST_FIELDS * width:
        raise ValueError(f"a struct without fields, or with more than {_MOST_FIELDS}")
    names = [
        block[start : start + width].split(b"\0")[0].decode("ascii")
        for start in range(0, len(block), width)
    ]
    values = [
        _inner_value(part, reading, depth) for part in reading.several(parts, count * len(names))
    ]
    rows = [values[i : i + len(names)] for i in range(0, len(values), max(len(names), 1))]
    structs = [dict(zip(names, row, strict=True)) for row in rows]
    return structs[0] if count == 1 and structs else structs


def _inner_value(element, reading, depth):
    """Returns the value of a variable within another."""
    kind, data = element
    if kind != _MATRIX:
        raise ValueError("a variable within another that is none")
    if not len(data):
        return _NOTHING
    parts = _elements(data, reading.order)
    flags, shape, _ = _head(parts, reading.order)
    return _value(parts, reading, flags, shape, depth + 1)


def _next(parts):
    """Returns the next element."""
    element = next(parts, None)
    if element is None:
        raise ValueError("it ends within a variable")
    return element


def _count(shape):
    """Returns the product of the sides, without overflow."""
    product = 1
    for side in shape:
        product *= side
    return product


def _text(element, order, shape):
    """Returns the characters of a text, row by row."""
    kind, data = element
    if kind not in _TEXTS:
        raise ValueError(f"a text of the unknown kind {kind}")
    encoding = _TEXTS[kind]
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if order == "<" else "-be"
    text = bytes(data).decode(encoding)
    if len(shape) != 2 or shape[0] <= 1 or shape[0] * shape[1] != len(text):
        return text
    return "".join(text[row :: shape[0]] for row in range(shape[0]))


def _elements(content, order) -> Iterator[tuple[int, memoryview]]:
    """Yields the kind and data of each element in order."""
    offset = 0
    while offset < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, offset)
        start, end = offset + _TAG, offset + _TAG + size
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
    if kind not in _NUMBERS:
        raise ValueError(f"numbers of the unknown kind {kind}")
    return np.frombuffer(data, order + _NUMBERS[kind])
