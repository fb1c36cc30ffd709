"""Polygon meshes as stored in files, checked and split into triangles."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Polygons(NamedTuple):
    """A polygon mesh.

    Attributes:
        vertices: `(n, 3)`.
        sizes: how many corners each polygon has.
        corners: the vertices of all polygons, concatenated, counted from 0.
    """

    vertices: np.ndarray
    sizes: Sequence[int] | np.ndarray
    corners: Sequence[int] | np.ndarray


def triangles_of(mesh: Polygons) -> np.ndarray:
    """Splits polygons into triangles that share the polygon's first corner.

    Returns:
        `(triangles, 3)` vertex indices, in the order of the polygons.

    Raises:
        ValueError: if there is no polygon, one has fewer than three corners, or a corner is not a
            vertex.
    """
    try:
        sizes, corners = np.array(mesh.sizes, np.int64), np.array(mesh.corners, np.int64)
    except OverflowError as error:
        raise ValueError("corners beyond all vertices") from error
    if not len(sizes) or sizes.min() < 3:
        least = f"one of {sizes.min()} corners" if len(sizes) else "none"
        raise ValueError(f"polygons of three corners and more were expected, received {least}")
    if corners.min() < 0 or corners.max() >= len(mesh.vertices):
        raise ValueError(
            f"corners 0 to {len(mesh.vertices) - 1} were expected, received {corners.min()} to "
            f"{corners.max()}"
        )
    counts = sizes - 2  # of triangles in each polygon
    first = np.repeat(np.cumsum(sizes) - sizes, counts)
    place = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([corners[first], corners[first + place + 1], corners[first + place + 2]], 1)
