"""Finds the mirror symmetry of a face mesh."""

from collections import deque

import numpy as np
from scipy.spatial import cKDTree

# How many triangle pairs, the best placed first, are tried as the start of the walk.
_STARTS = 50


def find_mirror(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Finds the mirror image of every vertex in a mesh whose connectivity is symmetric.

    Geometry proposes one pair of mirrored triangles; from there, the walk over
    neighbouring triangles determines all others. So the vertices need to be symmetric
    only roughly (a mean of scans), but the connectivity exactly.

    Args:
        vertices: `(N, 3)` positions; the mirror plane is about x = 0.
        triangles: `(T, 3)` vertex indices, one connected component.

    Returns:
        `(N,)` integer array: `mirror[i]` is the mirror image of vertex i, and
        `mirror[mirror[i]] == i`.

    Raises:
        ValueError: if the connectivity has no mirror symmetry about x = 0.
    """
    vertices, triangles = np.asarray(vertices, np.float64), np.asarray(triangles)
    third_corner = {}
    for a, b, c in triangles.tolist():
        third_corner[a, b], third_corner[b, c], third_corner[c, a] = c, a, b

    for triangle, image in _likely_starts(vertices, triangles):
        mirror = _walk(triangle, image, third_corner, len(vertices))
        if mirror is not None:
            return mirror
    raise ValueError(
        "find_mirror expects a mesh whose connectivity is mirror symmetric about x = 0."
    )


def _likely_starts(vertices, triangles):
    """Yields pairs of triangles, corner by corner, whose mirrored corners lie close together."""
    mirrored = vertices * [-1, 1, 1]
    distance, nearest = cKDTree(vertices).query(mirrored)
    worst = distance[triangles].max(axis=1)
    for triangle in triangles[np.argsort(worst, kind="stable")[:_STARTS]]:
        yield triangle.tolist(), nearest[triangle].tolist()


def _walk(triangle, image, third_corner, vertex_count):
    """Extends one pair of mirrored triangles over the mesh; None if it contradicts itself."""
    mirror = np.full(vertex_count, -1)
    mirror[triangle] = image
    a, b, c = triangle
    queue = deque([(a, b), (b, c), (c, a)])
    seen = set(queue)
    while queue:
        a, b = queue.popleft()
        # Mirroring reverses orientation: edge a -> b becomes mirror[b] -> mirror[a].
        corner = third_corner[a, b]
        corner_image = third_corner.get((mirror[b], mirror[a]))
        if corner_image is None or mirror[corner] not in (-1, corner_image):
            return None
        mirror[corner] = corner_image
        for edge in ((a, b), (b, corner), (corner, a)):
            for step in (edge, edge[::-1]):
                if step in third_corner and step not in seen:
                    seen.add(step)
                    queue.append(step)
    is_involution = (mirror >= 0).all() and (mirror[mirror] == np.arange(vertex_count)).all()
    return mirror if is_involution else None
