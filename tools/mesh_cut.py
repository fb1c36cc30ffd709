"""Cuts a triangle mesh along a smooth line."""

import igl
import numpy as np
import scipy.sparse


def cut_at_zero(values, triangles, snap=0.15):
    """Cuts a mesh along the zero line of `values` `(N,)` and keeps the negative side.

    Where the line crosses an edge near one of its ends, within the share `snap` of its length,
    it is made to pass through that end, so that no slivers remain.

    Args:
        values: `(N,)` a smooth function at the vertices.
        triangles: `(T, 3)` vertex indices.
        snap: a share of an edge.

    Returns:
        weights: `(M, N)` of the remaining vertices, new ones on cut edges included.
        triangles: `(T', 3)`, the connected part around the vertex farthest inside.
    """
    edges = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)), axis=0)
    crossed = edges[(values[edges] < 0).sum(axis=1) == 1]
    share = np.abs(values[crossed]) / np.abs(np.diff(values[crossed], axis=1))
    values = values.copy()
    values[crossed[share < snap]] = 0.0

    count = len(values)
    number, entries = {}, []

    def crossing(inside, outside):
        key = (inside, outside)
        if key not in number:
            number[key] = count + len(number)
            t = values[inside] / (values[inside] - values[outside])
            entries.append((inside, outside, t))
        return number[key]

    kept = []
    for triangle in triangles.tolist():
        if min(values[triangle]) < 0:
            kept += _clip(triangle, values[triangle], crossing)
    kept = np.array(kept)

    rows = np.repeat(np.arange(len(entries)), 2)
    columns = np.array([v for inside, outside, _ in entries for v in (inside, outside)], int)
    shares = np.array([w for *_, t in entries for w in (1 - t, t)])
    new = scipy.sparse.csr_array((shares, (rows, columns)), shape=(len(entries), count))
    weights = scipy.sparse.csr_array(scipy.sparse.vstack([scipy.sparse.eye_array(count), new]))

    _, part = igl.facet_components(kept)
    kept = kept[part == part[(kept == values.argmin()).any(axis=1)][0]]
    used, kept = np.unique(kept, return_inverse=True)
    return weights[used], kept.reshape(-1, 3)


def _clip(triangle, values, crossing):
    """Returns what the zero line leaves of one triangle with a corner inside."""
    # Begin at the vertex farthest inside: a mirrored triangle is then cut in the mirrored way.
    first = int(np.argmin(values))
    triangle, values = np.roll(triangle, -first).tolist(), np.roll(values, -first)
    polygon = []
    for k in range(3):
        following = (k + 1) % 3
        if values[k] <= 0:
            polygon.append(triangle[k])
        if values[k] * values[following] < 0:
            inside, outside = (k, following) if values[k] < 0 else (following, k)
            polygon.append(crossing(triangle[inside], triangle[outside]))
    return [[polygon[0], polygon[k], polygon[k + 1]] for k in range(1, len(polygon) - 1)]
