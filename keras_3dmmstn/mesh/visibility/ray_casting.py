"""Finds the vertices of a grid that hide behind another part of it, by casting rays."""

import numpy as np
from igl.embree import EmbreeIntersector


def grid_normals(vertices: np.ndarray, grid_shape: tuple[int, int]) -> np.ndarray:
    """Returns unit normals `(H'·W', 3)`, from the area vectors of the cells around each vertex.

    Args:
        vertices: `(H'·W', 3)`, row by row.
        grid_shape: (H', W').
    """
    grid = np.asarray(vertices, np.float64).reshape(*grid_shape, 3)
    cell = np.cross(grid[1:, 1:] - grid[:-1, :-1], grid[:-1, 1:] - grid[1:, :-1])
    cell = np.pad(cell, [(1, 1), (1, 1), (0, 0)])
    normals = cell[:-1, :-1] + cell[:-1, 1:] + cell[1:, :-1] + cell[1:, 1:]
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return (normals / np.where(length > 0, length, 1)).reshape(-1, 3)


def occluded_vertices(
    vertices: np.ndarray,
    triangles: np.ndarray,
    normals: np.ndarray,
    directions: np.ndarray,
    offset: float = 0.1,
) -> np.ndarray:
    """Finds the vertices that face a viewer and have a part of the mesh in front of them.

    A ray starts at each vertex, moved off the surface along its normal, and runs towards the
    viewer, who is far away.

    Args:
        vertices: `(N, 3)`, millimetres.
        triangles: `(T, 3)` vertex indices.
        normals: `(N, 3)` outward unit normals.
        directions: `(K, 3)` unit vectors towards the viewer.
        offset: the distance from the surface at which the rays start, millimetres.

    Returns:
        `(K, N)` bool. A vertex with ⟨normal, direction⟩ ≤ 0 is False: it does not face the viewer.
    """
    rays = EmbreeIntersector()
    rays.init(np.asfortranarray(vertices, np.float32), np.asfortranarray(triangles, np.int32))
    origins = np.asarray(vertices + offset * normals, np.float32)
    directions = np.asarray(directions, np.float64)
    occluded = np.zeros((len(directions), len(origins)), bool)
    for hidden, direction in zip(occluded, directions, strict=True):
        ray = direction.astype(np.float32)
        for vertex in np.flatnonzero(normals @ direction > 0):
            face, *_ = rays.intersectRay_first(origins[vertex], ray, 0.0, np.inf)
            hidden[vertex] = face >= 0
    return occluded
