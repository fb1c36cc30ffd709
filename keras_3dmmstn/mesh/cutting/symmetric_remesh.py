"""Gives a disc a mirror-symmetric triangulation: one half and its reflection."""

import igl
import numpy as np
import scipy.sparse
from scipy.sparse.linalg import splu

from keras_3dmmstn.mesh.cutting.mesh_cut import split_at_zero
from keras_3dmmstn.mesh.flattening.flatten import solve_inner_vertices

# A vertex's closest point on the other half is trusted within this distance in the unit disc, and
# where the surfaces' normals agree this well.
_TRUSTED_DISTANCE, _TRUSTED_COSINE = 0.05, 0.7
# How stiffly the correspondence follows its neighbours where closest points disagree.
_STIFFNESS = 2.0
# The weight of a given pair; that of a closest point is 1.
_TRUST_IN_PAIRS = 1e4


def symmetrise(
    vertices: np.ndarray, triangles: np.ndarray, pairs: np.ndarray | None = None
) -> tuple[scipy.sparse.csr_array, np.ndarray, np.ndarray]:
    """Re-meshes one disc so that its triangulation is mirror symmetric about x = 0.

    The surface is split along the plane. The image-left half keeps its vertices and triangles;
    the other half gets their reflection. The place of each reflected vertex on the true other half
    is found in two steps. First, both halves are flattened to half discs that share the symmetry
    line: a bijection, so that nothing tears where surfaces lie close together, as the lips do.
    Then this place is moved towards the point of the other half that is closest to the reflected
    vertex, as far as neighbouring vertices move alike.

    Args:
        vertices: `(N, 3)` positions, roughly symmetric about x = 0.
        triangles: `(T, 3)`, one disc that the plane x = 0 divides in two.
        pairs: `(n, 2)` vertices of the image-left and the other half that are known to correspond
            (landmarks): these become mirror images of each other without moving.

    Returns:
        weights: `(M, N)` sparse; each row has at most three entries, which add up to 1.
        triangles: `(T', 3)` into the M vertices.
        mirror: `(M,)` index of each vertex's mirror image.

    Raises:
        ValueError: if the plane x = 0 does not divide the surface into two discs.
    """
    split, triangles, is_left = split_at_zero(vertices[:, 0], triangles)
    used, triangles = np.unique(triangles, return_inverse=True)
    split, triangles = split[used], triangles.reshape(-1, 3)
    points = split @ vertices
    is_left = _in_two_halves(triangles, is_left)
    left, right = triangles[is_left], triangles[~is_left]
    line = np.intersect1d(left, right)
    disc = _flatten_to_disc(points, triangles, left, line)

    own = np.setdiff1d(left, line)
    pairs = np.empty((0, 2), int) if pairs is None else _usable_pairs(pairs, used, own, right, line)
    corners, corner_weights = _correspond(points, disc, left, right, own, pairs)
    known = np.searchsorted(own, pairs[:, 0])
    corners[known], corner_weights[known] = pairs[:, [1, 1, 1]], (1, 0, 0)
    images = _rows(corners, corner_weights, len(points)) @ split

    # The left half's vertices, the line, and the images of the left half's vertices.
    first = np.concatenate([own, line])
    number = np.full(len(points), -1)
    number[first] = np.arange(len(first))
    mirror = np.concatenate([len(first) + np.arange(len(own)), np.arange(len(own), len(first))])
    mirror = np.concatenate([mirror, np.arange(len(own))])
    left = number[left]
    weights = scipy.sparse.csr_array(scipy.sparse.vstack([split[first], images]))
    weights.sum_duplicates()
    weights.eliminate_zeros()
    return weights, np.concatenate([left, mirror[left][:, ::-1]]), mirror


def _in_two_halves(triangles, is_left):
    """Returns which triangles belong to the left half; stray islands go to the other half."""
    if not is_left.all() and is_left.any():
        is_left = _without_islands(triangles, is_left)
        return ~_without_islands(triangles, ~is_left)
    raise ValueError("Expected the plane x = 0 to part the face in two halves.")


def _without_islands(triangles, chosen):
    """Returns `chosen` `(T,)` reduced to its largest connected part."""
    _, part = igl.facet_components(triangles[chosen])
    result = chosen.copy()
    result[chosen] = part == np.argmax(np.bincount(part))
    return result


def _flatten_to_disc(vertices, triangles, left, line):
    """Returns positions `(N, 2)` in the unit disc, the line at u = 0, the boundary by arc length.

    The ends of the line are at the same places for both halves, so the flattening of a symmetric
    surface is symmetric.
    """
    loop = np.ravel(igl.boundary_loop(triangles))
    ends = loop[np.isin(loop, line)]
    if len(ends) != 2:
        raise ValueError(
            "Expected the plane x = 0 to cross the face's boundary twice, received "
            f"{len(ends)} crossings."
        )
    top = ends[np.argmin(vertices[ends, 1])]
    loop = np.roll(loop, -int(np.flatnonzero(loop == top)[0]))
    (turn,) = np.flatnonzero(np.isin(loop, ends))[1:]
    positions = np.full((len(vertices), 2), np.nan)
    for path in (loop[: turn + 1], np.append(loop[turn:], top)[::-1]):
        steps = np.linalg.norm(np.diff(vertices[path], axis=0), axis=1)
        angle = np.pi * np.append(0.0, np.cumsum(steps)) / steps.sum()
        side = -1 if np.isin(path[1:-1], left).all() else 1
        positions[path] = np.stack([side * np.sin(angle), -np.cos(angle)], axis=1)
    positions[line, 0] = 0.0

    solve_inner_vertices(positions, vertices, triangles)
    return positions


def _usable_pairs(pairs, used, own, right, line):
    """Returns the pairs `(n, 2)` that lie on their halves, each vertex once, renumbered."""
    pairs = pairs[np.isin(pairs, used).all(axis=1)]
    pairs = np.searchsorted(used, pairs)
    pairs = pairs[np.isin(pairs[:, 0], own) & np.isin(pairs[:, 1], np.setdiff1d(right, line))]
    for column in (0, 1):
        pairs = pairs[np.sort(np.unique(pairs[:, column], return_index=True)[1])]
    return pairs


def _correspond(vertices, disc, left, right, own, pairs):
    """Finds the images of the left vertices `own` on the right half.

    Returns:
        The `(n, 3)` corners of the triangles on which they lie, and their weights.
    """
    reflected = vertices[own] * [-1, 1, 1]
    start = disc[own] * [-1, 1]

    _, face, closest = igl.point_mesh_squared_distance(reflected, vertices, right)
    corners = right[face]
    weights = igl.barycentric_coordinates(
        closest, *(np.ascontiguousarray(vertices[corners[:, k]]) for k in range(3))
    )
    move = np.einsum("nk,nkx->nx", weights, disc[corners]) - start
    cosine = np.einsum(
        "nx,nx->n",
        igl.per_vertex_normals(vertices, left)[own] * [-1, 1, 1],
        igl.per_face_normals(vertices, right, np.zeros(3))[face],
    )
    trusted = (np.linalg.norm(move, axis=1) < _TRUSTED_DISTANCE) & (cosine > _TRUSTED_COSINE)
    trust = trusted.astype(float)
    known = np.searchsorted(own, pairs[:, 0])
    move[known], trust[known] = disc[pairs[:, 1]] - start[known], _TRUST_IN_PAIRS
    target = start + _smoothed(move, trust, left, own, len(vertices))

    flat = np.pad(disc, [(0, 0), (0, 1)])
    _, face, closest = igl.point_mesh_squared_distance(
        np.pad(target, [(0, 0), (0, 1)]), flat, right
    )
    corners = right[face]
    weights = igl.barycentric_coordinates(closest, *(flat[corners[:, k]] for k in range(3)))
    weights = np.clip(weights, 0.0, 1.0)
    return corners, weights / weights.sum(axis=1, keepdims=True)


def _smoothed(move, trust, left, own, count):
    """Returns moves `(n, 2)` that fit the given ones and change little along edges.

    The vertices of the symmetry line, which are not among `own`, do not move.
    """
    adjacency = scipy.sparse.csr_array(igl.adjacency_matrix(left).astype(float))
    adjacency.resize((count, count))
    degree = adjacency.sum(axis=1)[own]
    laplacian = scipy.sparse.diags_array(degree) - adjacency[own][:, own]
    matrix = scipy.sparse.csc_array(scipy.sparse.diags_array(trust) + _STIFFNESS * laplacian)
    factors = splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return factors.solve(trust[:, None] * move)


def _rows(corners, weights, count):
    """Returns the sparse matrix `(n, count)` with `weights` `(n, 3)` in the columns `corners`."""
    rows = np.repeat(np.arange(len(corners)), 3)
    entries = (weights.ravel(), (rows, corners.ravel()))
    return scipy.sparse.csr_array(entries, shape=(len(corners), count))
