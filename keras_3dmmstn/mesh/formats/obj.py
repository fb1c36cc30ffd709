"""Reads the polygons and materials of a Wavefront OBJ file."""

from pathlib import Path
from typing import NamedTuple

import numpy as np


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
    lines = Path(path).read_text(errors="replace").splitlines()
    try:
        vertices = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], float)
    except ValueError as error:
        raise ValueError(f"{path}: expected vertices of three numbers each: {error}") from error
    if vertices.ndim != 2 or vertices.shape[1] != 3 or not np.isfinite(vertices).all():
        raise ValueError(
            f"{path}: expected an OBJ file with vertices of three finite numbers each."
        )
    return vertices


def read_obj(path: str | Path) -> Obj:
    """Reads an OBJ file with its polygons.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else.
    """
    vertices = read_obj_vertices(path)
    polygons, materials, material = [], [], ""
    for number, line in enumerate(Path(path).read_text(errors="replace").splitlines(), 1):
        if line.startswith("usemtl "):
            material = line.split(maxsplit=1)[1].strip()
        if not line.startswith("f "):
            continue
        try:
            corners = [int(corner.split("/")[0]) for corner in line.split()[1:]]
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: expected vertex numbers: {error}") from error
        if len(corners) < 3 or min(corners) < 1 or max(corners) > len(vertices):
            raise ValueError(
                f"{path}, line {number}: expected a polygon of vertices 1 to {len(vertices)}, "
                f"received {line.strip()!r}."
            )
        polygons.append([corner - 1 for corner in corners])
        materials.append(material)
    return Obj(vertices, polygons, materials)
