"""Reads the polygons of a PLY file: its header, and what its data formats have in common."""

from typing import Any, NamedTuple

import numpy as np

from keras_3dmmstn.mesh.formats.ply_data import AsciiData, BinaryData, Element, Property
from keras_3dmmstn.mesh.formats.polygons import Polygons
from keras_3dmmstn.number_texts import whole_number

_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "double": "f8", "float32": "f4", "float64": "f8"},
}
_ORDERS = {b"ascii": "", b"binary_little_endian": "<", b"binary_big_endian": ">"}
_CORNERS = ("vertex_indices", "vertex_index")

# Lines of a header, and properties of an element.
_MOST_LINES, _MOST_PROPERTIES = 1000, 100


class _Header(NamedTuple):
    """The byte order of the data (`""` for text), the elements, and where the data begin."""

    order: str
    elements: list[Element]
    end: int


def polygons_of_ply(content: bytes) -> Polygons:
    """Returns the mesh of a PLY file, text or binary.

    Elements and properties other than vertices and their polygons are ignored.

    Args:
        content: the bytes of the file.

    Raises:
        ValueError: if the file is damaged or something else.
    """
    header = _read_header(content)
    body = memoryview(content)[header.end :]
    data = BinaryData(body, header.order) if header.order else AsciiData(body)
    vertices: np.ndarray | None = None
    sizes: Any = None
    corners: Any = None
    for element in header.elements:
        if element.name == "vertex" and vertices is None:
            columns = data.columns(element, ("x", "y", "z"))
            vertices = np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
        elif element.name == "face" and corners is None:
            sizes, corners = data.lists(element, _list_of_corners(element))
        elif vertices is None or corners is None:
            data.skip(element)
    if vertices is None or corners is None or sizes is None:
        raise ValueError("it has no vertices, or no polygons")
    return Polygons(vertices, sizes, corners)


def _read_header(content):
    """Reads the header, up to the line end_header."""
    order, elements, end = None, [], 0
    for number in range(_MOST_LINES):
        start, end = end, content.find(b"\n", end) + 1
        words = content[start : end - 1].split() or [b"comment"]
        if not end or (number == 0 and words != [b"ply"]):
            raise ValueError("it has no header of a PLY file")
        if words[0] == b"end_header":
            if order is None:
                raise ValueError("its header names no format")
            return _Header(order, elements, end)
        if words[0] == b"format" and len(words) == 3 and words[1] in _ORDERS:
            order = _ORDERS[words[1]]
        elif words[0] == b"element" and len(words) == 3 and whole_number(words[2]) >= 0:
            elements.append(Element(words[1].decode("latin1"), whole_number(words[2]), []))
        elif words[0] == b"property" and elements:
            elements[-1].properties.append(_property([word.decode("latin1") for word in words]))
            if len(elements[-1].properties) > _MOST_PROPERTIES:
                raise ValueError(f"an element of more than {_MOST_PROPERTIES} properties")
        elif number and words[0] not in (b"comment", b"obj_info"):
            raise ValueError(f"a line of its header is {content[start:end][:80]!r}")
    raise ValueError(f"its header has more than {_MOST_LINES} lines")


def _property(words):
    """Returns the property that a line of the header describes."""
    types = words[2:4] if words[1:2] == ["list"] else words[1:2]
    if len(words) != len(types) + (3 if len(types) == 2 else 2) or not set(types) <= set(_TYPES):
        raise ValueError(f"a property of its header is {' '.join(words)[:80]!r}")
    codes = [_TYPES[name] for name in types]
    if len(codes) == 2 and codes[0].startswith("f"):
        raise ValueError(f"the list {words[-1][:80]!r} has a length that is no whole number")
    return Property(words[-1], codes[-1], codes[0] if len(codes) == 2 else None)


def _list_of_corners(element):
    """Returns the name of the list property that contains the corners of polygons."""
    for part in element.properties:
        if part.name in _CORNERS and part.length_type is not None and part.type[0] in "iu":
            return part.name
    raise ValueError(f"its polygons have no list of whole numbers {' or '.join(_CORNERS)}")
