"""Trims what cannot be flattened: separate pieces, pinched vertices, dangling triangles."""

import igl
import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components


def component_around(triangles: np.ndarray, vertex: int) -> np.ndarray:
    """Returns the triangles of the connected component that contains `vertex`.

    Args:
        triangles: `(T, 3)` vertex indices.
        vertex: a vertex of one of them.

    Raises:
        ValueError: if no triangle has the vertex.
    """
    _, part = igl.facet_components(triangles)
    (mine,) = np.nonzero((triangles == vertex).any(axis=1))
    if not len(mine):
        raise ValueError(f"component_around expects a vertex in a triangle, received {vertex}.")
    return triangles[part == part[mine[0]]]


def check_surface(triangles: np.ndarray) -> None:
    """Raises a ValueError that names the fault unless edges join triangles of one orientation."""
    if not len(triangles):
        raise ValueError("Expected a surface, received no triangles.")
    edges = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    count = int(edges.max()) + 1
    directed = scipy.sparse.coo_array((np.ones(len(edges)), tuple(edges.T)), (count, count)).tocsr()
    uses = directed + directed.T
    if uses.max() > 2:
        raise ValueError(
            f"Expected a manifold mesh, received {(uses > 2).nnz // 2} edges with more than two "
            "triangles."
        )
    if directed.max() > 1:
        raise ValueError("Expected consistently oriented triangles, received some turned over.")


def without_repeats(triangles: np.ndarray) -> np.ndarray:
    """Returns the triangles with three different corners, without repeats, in the given order."""
    corners = np.sort(triangles, axis=1).astype(np.int64)
    proper = (np.diff(corners, axis=1) > 0).all(axis=1)
    number = corners @ (int(triangles.max(initial=0)) + 1) ** np.arange(3)
    first = np.zeros(len(triangles), bool)
    first[np.unique(number, return_index=True)[1]] = True
    return triangles[proper & first]


def trim(triangles: np.ndarray) -> np.ndarray:
    """Removes what cannot be flattened onto a square with its boundary on the square's sides.

    A triangle with two edges on the boundary collapses if both edges lie on one side of the square.
    So does everything behind an inner edge that joins two boundary vertices. Where parts of the
    surface touch in one vertex, only the largest is kept.

    Args:
        triangles: `(T, 3)` vertex indices, manifold edges, one orientation.

    Returns:
        `(T', 3)` the largest remaining part, in the given order.
    """
    while True:
        kept = without_pinches(triangles[_in_largest_part(triangles, walk_over_chords=False)])
        if len(kept) == len(triangles):
            return kept
        triangles = kept


def _in_largest_part(triangles, walk_over_chords):
    """Returns which triangles are in the largest part connected by shared edges."""
    neighbour, _ = igl.triangle_triangle_adjacency(triangles)  # by edge (0, 1), (1, 2), (2, 0)
    connected = neighbour >= 0
    if not walk_over_chords:
        on_boundary = np.zeros(triangles.max() + 1, bool)
        on_boundary[triangles[~connected]] = True
        on_boundary[np.roll(triangles, -1, axis=1)[~connected]] = True
        connected &= ~(on_boundary[triangles] & on_boundary[np.roll(triangles, -1, axis=1)])
    triangle, _ = np.nonzero(connected)
    graph = scipy.sparse.coo_array(
        (np.ones(len(triangle), bool), (triangle, neighbour[connected])), (len(triangles),) * 2
    )
    _, part = connected_components(graph, directed=False)
    return part == np.argmax(np.bincount(part))


def without_pinches(triangles: np.ndarray) -> np.ndarray:
    """Removes all but the largest fan of triangles around each vertex that has several.

    Args:
        triangles: `(T, 3)` vertex indices, manifold edges, one orientation.

    Returns:
        `(T', 3)` the largest remaining connected part, in the given order.
    """
    while True:
        neighbour, _ = igl.triangle_triangle_adjacency(triangles)
        (pinched,) = np.nonzero(np.bincount(triangles[neighbour < 0]) > 1)
        doomed = np.zeros(len(triangles), bool)
        for vertex in pinched:
            (around,) = np.nonzero((triangles == vertex).any(axis=1))
            doomed[around[~_in_largest_part(triangles[around], True)]] = True
        triangles = triangles[~doomed]
        if not len(pinched):
            return triangles[_in_largest_part(triangles, True)]
