"""Reads the polygons and materials of a Wavefront OBJ file."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_3dmmstn.number_texts import number, whole_number
from keras_3dmmstn.outside_files import read_file

# Keywords of lines with numbers; names, such as those of materials, may contain a #.
_OF_NUMBERS = ("v ", "v\t", "f ", "f\t")


class Obj(NamedTuple):
    """A polygon mesh: vertices `(n, 3)`, polygons as lists of indices, and their materials."""

    vertices: np.ndarray
    polygons: list[list[int]]
    materials: list[str]


def read_obj_vertices(path: str | Path) -> np.ndarray:
    """Reads the vertices `(n, 3)` of an OBJ file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a vertex is not three finite numbers, or there is none.
    """
    return _vertices(path, _lines(path))


def read_obj(path: str | Path) -> Obj:
    """Reads an OBJ file with its polygons.

    Negative numbers count back from the last vertex before the polygon.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else.
    """
    lines = _lines(path)
    vertices = _vertices(path, lines)
    polygons, materials, material, so_far = [], [], "", 0
    for line_number, line in enumerate(lines, 1):
        so_far += line.startswith(("v ", "v\t"))
        if line.startswith("usemtl "):
            material = line[len("usemtl ") :].strip()
        if not line.startswith(("f ", "f\t")):
            continue
        try:
            corners = [whole_number(corner.split("/")[0]) for corner in line.split()[1:]]
        except ValueError as error:
            raise ValueError(
                f"{path}, line {line_number}: expected vertex numbers, received {line[:80]!r}."
            ) from error
        corners = [corner if corner > 0 else so_far + corner + 1 for corner in corners]
        if len(corners) < 3 or min(corners) < 1 or max(corners) > len(vertices):
            raise ValueError(
                f"{path}, line {line_number}: expected a polygon of vertices 1 to {len(vertices)}, "
                f"received {line[:80].strip()!r}."
            )
        polygons.append([corner - 1 for corner in corners])
        materials.append(material)
    return Obj(vertices, polygons, materials)


def _lines(path):
    """Returns the lines of a file; a backslash joins a line to the next.

    Line ends may be those of Linux, Windows or old Macs. Comments after numbers are removed.
    """
    text = read_file(path).decode("utf-8-sig", errors="replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\\\n", " ")
    lines = (line.lstrip() for line in text.split("\n"))
    return [line.split("#")[0] if line.startswith(_OF_NUMBERS) else line for line in lines]


def _vertices(path, lines):
    """Returns the vertices `(n, 3)` of an OBJ file's lines."""
    words = [line.split(None, 4)[1:4] for line in lines if line.startswith(("v ", "v\t"))]
    if not words or any(len(three) < 3 for three in words):
        raise ValueError(f"{path}: expected an OBJ file with vertices of three numbers each.")
    try:
        vertices = np.array([[number(word) for word in three] for three in words])
    except ValueError as error:
        raise ValueError(
            f"{path}: expected vertices of three numbers each: {str(error)[:80]}."
        ) from error
    return vertices
