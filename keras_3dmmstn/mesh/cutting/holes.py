"""Closes the holes of a face mesh (eyes, mouth, nostrils), so that it becomes one disc."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse

# A cap gets one ring of vertices for this many vertices of its loop, and at least one.
_LOOP_VERTICES_PER_RING = 20


def close_holes(
    vertices: np.ndarray, triangles: np.ndarray, apexes: Sequence[int] = ()
) -> tuple[scipy.sparse.csr_array, np.ndarray]:
    """Closes every boundary loop but the longest with a cap of concentric rings.

    A cap is the harmonic map of the unit disc onto the loop: the vertex at polar
    coordinates (ρ, θ) is the mean of the loop's vertices under Poisson's kernel,

        w_j ∝ (1 − ρ²) / (1 − 2ρ cos(θ − θ_j) + ρ²),

    so every new vertex is a fixed linear combination of old ones, and the basis of a
    morphable model carries over: `weights @ mean`, `weights @ basis[d]`. Without an
    apex, a cap is as flat as its loop allows. An apex pulls its middle out (the front of
    an eyeball) or in (the teeth), by the share 1 − ρ². On a mesh with mirror symmetry the
    caps are symmetric too.

    Args:
        vertices: `(N, 3)` positions. They only decide which loop is longest and which loop
            an apex belongs to.
        triangles: `(T, 3)` vertex indices, one orientation, at most one loop through a
            vertex.
        apexes: indices of vertices, usually in no triangle, each of which becomes the
            middle of the cap of the nearest loop.

    Returns:
        weights: `(N + K, N)`; its first N rows are the identity.
        triangles: `(T', 3)` into the N + K vertices, the given ones first.

    Raises:
        ValueError: if the mesh has no boundary.
    """
    loops = boundary_loops(triangles)
    if not loops:
        raise ValueError("close_holes expects a mesh with a boundary, received a closed one.")
    loops.sort(key=lambda loop: -_length(vertices[loop]))
    holes = loops[1:]
    if not holes:
        return scipy.sparse.eye_array(len(vertices), format="csr"), triangles
    centres = np.array([vertices[loop].mean(axis=0) for loop in holes])
    apex_of_hole = {
        int(np.linalg.norm(centres - vertices[apex], axis=1).argmin()): apex for apex in apexes
    }

    count = len(vertices)
    weights = [scipy.sparse.eye_array(count, format="csr")]
    closed = [triangles]
    for index, loop in enumerate(holes):
        radii = _ring_radii(len(loop))
        new_rows = _cap_weights(loop, radii, len(vertices), apex_of_hole.get(index))
        closed.append(_cap_triangles(loop, len(radii), count))
        weights.append(new_rows)
        count += new_rows.shape[0]
    all_weights = scipy.sparse.csr_array(scipy.sparse.vstack(weights))
    return all_weights, np.concatenate(closed).astype(triangles.dtype)


def boundary_loops(triangles: np.ndarray) -> list[np.ndarray]:
    """Finds the boundary loops of a mesh, each in the direction of its triangles' edges.

    Args:
        triangles: `(T, 3)` vertex indices, one orientation, at most one loop through a
            vertex.

    Returns:
        One array of vertex indices for each loop, starting with its smallest index.

    Raises:
        ValueError: if several loops pass through a vertex, or orientations are inconsistent.
    """
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    count = int(edges.max(initial=-1)) + 1
    # A sparse matrix of directed edges: an entry missing in its transpose is a boundary edge.
    directed = scipy.sparse.csr_array((np.ones(len(edges)), tuple(edges.T)), (count, count))
    directed.data[:] = 1
    start, end = (directed - directed.T > 0).nonzero()
    after = dict(sorted(zip(start.tolist(), end.tolist(), strict=True)))
    loops = []
    while after:
        start = next(iter(after))
        loop = [start]
        while (vertex := after.pop(loop[-1], None)) != start:
            if vertex is None:
                raise ValueError(
                    "boundary_loops expects triangles of one orientation whose edge is made of "
                    f"loops, received ones whose edge ends at vertex {loop[-1]}."
                )
            loop.append(vertex)
        loops.append(np.array(loop))
    return loops


def _length(points):
    """Returns the length of the closed polygon through `points` `(n, 3)`."""
    return np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1).sum()


def _ring_radii(loop_length):
    """Returns the radii of a cap's rings, outermost first, without loop and centre."""
    rings = max(1, round(loop_length / _LOOP_VERTICES_PER_RING))
    return 1 - np.arange(1, rings + 1) / (rings + 1)


def _cap_weights(loop, radii, vertex_count, apex):
    """Returns the weights of a cap, `(2 * rings * n + 1, N)`, from the outside in, its centre last.

    Each ring comes after the middles of the cells between it and the ring around it.
    """
    n = len(loop)
    cell_radii = (np.append(1.0, radii[:-1]) + radii) / 2
    rho = np.append(np.repeat(np.stack([cell_radii, radii], axis=1).ravel(), n), 0.0)[:, None]
    steps = np.arange(n)
    theta = np.append(np.tile(np.append(steps + 0.5, steps), len(radii)), 0.0)[:, None]
    cosine = np.cos((theta - steps) * 2 * np.pi / n)
    weights = (1 - rho**2) / (1 - 2 * rho * cosine + rho**2)
    weights /= weights.sum(axis=1, keepdims=True)

    columns = loop
    if apex is not None:
        pull = 1 - rho**2
        weights = np.hstack([weights - pull / n, pull])
        columns = np.append(loop, apex)
    rows = np.repeat(np.arange(len(weights)), len(columns))
    entries = (weights.ravel(), (rows, np.tile(columns, len(weights))))
    return scipy.sparse.csr_array(entries, shape=(len(weights), vertex_count))


def _cap_triangles(loop, ring_count, first):
    """Returns the triangles of a cap whose own vertices are numbered from `first` on.

    The cells between two rings are split into four around their middles, not in two: no
    diagonal has to be chosen, so the cap is as symmetric as its loop.
    """
    n = len(loop)
    outer, triangles = loop, []
    for ring in range(ring_count):
        middle = first + 2 * ring * n + np.arange(n)
        inner = middle + n
        next_outer, next_inner = np.roll(outer, -1), np.roll(inner, -1)
        for a, b in (
            (next_outer, outer),
            (outer, inner),
            (inner, next_inner),
            (next_inner, next_outer),
        ):
            triangles.append(np.stack([a, b, middle], axis=1))
        outer = inner
    centre = np.full(n, first + 2 * ring_count * n)
    triangles.append(np.stack([np.roll(outer, -1), outer, centre], axis=1))
    return np.concatenate(triangles)
