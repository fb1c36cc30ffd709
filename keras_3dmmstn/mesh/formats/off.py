"""Reads the polygons of an OFF file."""

import numpy as np

from keras_3dmmstn.mesh.formats.polygons import Polygons
from keras_3dmmstn.number_texts import number, whole_number

_HEADERS = ("OFF", "COFF", "NOFF", "CNOFF")


def polygons_of_off(content: bytes) -> Polygons:
    """Returns the mesh of an OFF file with one vertex or polygon per line.

    Colours and normals that follow on a line are ignored.

    Args:
        content: the bytes of the file.

    Raises:
        ValueError: if the file is damaged or something else.
    """
    lines = [line.split(b"#")[0].split() for line in content.splitlines()]
    lines = [words for words in lines if words]
    if not lines or lines[0][0].decode("latin1") not in _HEADERS:
        raise ValueError("it does not begin with OFF")
    lines[0] = lines[0][1:]  # the counts may follow on the same line
    head, *rest = (lines if lines[0] else lines[1:]) or [[]]
    if len(head) < 2:
        raise ValueError("it has no numbers of vertices and polygons")
    vertex_count, polygon_count = whole_number(head[0]), whole_number(head[1])
    if not (vertex_count > 0 and 0 < polygon_count <= len(rest) - vertex_count):
        raise ValueError(
            f"it has {len(rest):,} lines for {vertex_count:,} vertices and "
            f"{polygon_count:,} polygons"
        )
    if any(len(words) < 3 for words in rest[:vertex_count]):
        raise ValueError("a vertex of less than three numbers")
    vertices = np.array([[number(word) for word in words[:3]] for words in rest[:vertex_count]])
    sizes: list[int] = []
    corners: list[int] = []
    for words in rest[vertex_count : vertex_count + polygon_count]:
        size = whole_number(words[0])
        if not 0 < size < len(words):
            raise ValueError(f"a polygon of {size:,} corners in {len(words) - 1} numbers")
        sizes.append(size)
        corners += map(whole_number, words[1 : size + 1])
    return Polygons(vertices, sizes, corners)
