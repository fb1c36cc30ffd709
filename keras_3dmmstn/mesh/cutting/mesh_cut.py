"""Cuts a triangle mesh along a smooth line."""

from collections.abc import Callable

import igl
import numpy as np
import scipy.sparse


def cut_at_zero(
    values: np.ndarray, triangles: np.ndarray, snap: float = 0.15
) -> tuple[scipy.sparse.csr_array, np.ndarray]:
    """Cuts a mesh along the zero line of `values` and keeps the negative side.

    Where the line crosses an edge near one of its ends, within the share `snap` of its length,
    it is moved to that end, so that no slivers remain.

    Args:
        values: `(N,)` a smooth function at the vertices, negative somewhere in a triangle.
        triangles: `(T, 3)` vertex indices.
        snap: a share of an edge.

    Returns:
        weights: `(M, N)` of the remaining vertices, including new ones on cut edges.
        triangles: `(T', 3)`, the connected part around the vertex farthest inside.
    """
    edges = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    crossed = np.unique(np.sort(edges[(values[edges] < 0).sum(axis=1) == 1]), axis=0)
    share = np.abs(values[crossed]) / np.abs(np.diff(values[crossed], axis=1))
    values = values.copy()
    values[crossed[share < snap]] = 0.0

    kept, weights = _clip(values, triangles)
    _, part = igl.facet_components(kept)
    kept = kept[part == part[(kept == _farthest_inside(values, kept)).any(axis=1)][0]]
    used, kept = np.unique(kept, return_inverse=True)
    return weights[used], kept.reshape(-1, 3)


def split_at_zero(
    values: np.ndarray, triangles: np.ndarray, snap: float = 0.15
) -> tuple[scipy.sparse.csr_array, np.ndarray, np.ndarray]:
    """Splits the triangles of a mesh along the zero line of `values` and keeps both sides.

    Args:
        values: `(N,)` a smooth function at the vertices.
        triangles: `(T, 3)` vertex indices.
        snap: a crossing within this share of an edge from its end is moved to that end.

    Returns:
        weights: `(M, N)`, the first N rows the identity, the others on cut edges.
        triangles: `(T', 3)`, none of which has both signs at its corners.
        is_negative: `(T',)` bool, which triangles lie on the negative side.
    """
    values = _snapped(values, triangles, snap)
    negative, on_negative_side = _clip(values, triangles)
    positive, on_positive_side = _clip(-values, triangles)
    # Both sides share the same new vertices: number those of the second as in the first.
    count = len(values)
    number = {_row(on_negative_side, k): k for k in range(count, on_negative_side.shape[0])}
    same = [number[_row(on_positive_side, k)] for k in range(count, on_positive_side.shape[0])]
    positive = np.concatenate([np.arange(count), np.array(same, int)])[positive]
    is_negative = np.arange(len(negative) + len(positive)) < len(negative)
    return on_negative_side, np.concatenate([negative, positive]), is_negative


def _snapped(values, triangles, snap):
    """Returns `values` set to zero near crossings, in no triangle at all three corners."""
    edges = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    crossed = np.unique(np.sort(edges[np.prod(np.sign(values[edges]), axis=1) < 0]), axis=0)
    share = np.abs(values[crossed]) / np.abs(np.diff(values[crossed], axis=1))
    close = share < snap
    vertices, order = crossed[close], np.argsort(share[close], kind="stable")

    values = values.copy()
    is_close = np.zeros(len(values), bool)
    is_close[vertices] = True
    around = triangles[is_close[triangles].any(axis=1)]
    for vertex in dict.fromkeys(vertices[order].tolist()):
        corners = around[(around == vertex).any(axis=1)]
        if np.all((values[corners] == 0).sum(axis=1) - (values[vertex] == 0) < 2):
            values[vertex] = 0.0
    return values


def _farthest_inside(values, triangles):
    """Returns the vertex of `triangles` with the least value, except those on cut edges."""
    old = np.unique(triangles)
    old = old[old < len(values)]
    return old[np.argmin(values[old])]


def _row(weights, number):
    """Returns the two ends of the cut edge on which a new vertex lies."""
    return tuple(sorted(weights.indices[weights.indptr[number] : weights.indptr[number + 1]]))


def _clip(values, triangles):
    """Returns what the zero line leaves of the triangles, and the vertices' weights `(M, N)`."""
    count = len(values)
    number: dict[tuple[int, int], int] = {}
    entries = []

    def crossing(inside, outside):
        key = (inside, outside)
        if key not in number:
            number[key] = count + len(number)
            t = values[inside] / (values[inside] - values[outside])
            entries.append((inside, outside, t))
        return number[key]

    triangles = triangles[values[triangles].min(axis=1) < 0]
    # Begin at the vertex farthest inside: a mirrored triangle is then cut in the mirrored way.
    first = np.argmin(values[triangles], axis=1)[:, None]
    triangles = np.take_along_axis(triangles, (first + np.arange(3)) % 3, axis=1)
    is_cut = values[triangles].max(axis=1) > 0
    pieces = [_clip_one(t.tolist(), values[t], crossing) for t in triangles[is_cut]]

    # In the order of the triangles they come from.
    origin = np.repeat(np.flatnonzero(is_cut), [len(piece) for piece in pieces])
    cut = np.array([t for piece in pieces for t in piece], int).reshape(-1, 3)
    origin = np.concatenate([np.flatnonzero(~is_cut), origin])
    kept = np.concatenate([triangles[~is_cut], cut])[np.argsort(origin, kind="stable")]

    rows = np.repeat(np.arange(len(entries)), 2)
    columns = np.array([v for inside, outside, _ in entries for v in (inside, outside)], int)
    shares = np.array([w for *_, t in entries for w in (1 - t, t)])
    new = scipy.sparse.csr_array((shares, (rows, columns)), shape=(len(entries), count))
    identity = scipy.sparse.eye_array(count)
    return kept, scipy.sparse.csr_array(scipy.sparse.vstack([identity, new]))


def _clip_one(triangle: list, values: np.ndarray, crossing: Callable) -> list:
    """Returns what the zero line leaves of one triangle whose first corner is farthest inside."""
    polygon = []
    for k in range(3):
        following = (k + 1) % 3
        if values[k] <= 0:
            polygon.append(triangle[k])
        if values[k] * values[following] < 0:
            inside, outside = (k, following) if values[k] < 0 else (following, k)
            polygon.append(crossing(triangle[inside], triangle[outside]))
    return [[polygon[0], polygon[k], polygon[k + 1]] for k in range(1, len(polygon) - 1)]
