"""The flattening of a face surface onto the unit square: a symmetric Tutte embedding."""

import igl
import numpy as np
from scipy.sparse import coo_array, csc_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from keras_3dmmstn.mesh.flattening.stretch import vertex_stretch
from keras_3dmmstn.mesh.flattening.symmetry import find_mirror

# Cotangent weights of obtuse triangles can be negative, and then triangles may flip. Tutte's
# theorem requires positive weights, so they are raised to this share of the median weight.
_SMALLEST_WEIGHT = 0.01

# A corner of the square is put on a vertex with a single triangle if one is this near along the
# boundary, in lengths of the half's boundary: on a side, that triangle would collapse.
_CORNER_REACH = 0.15


def flatten_symmetric(
    vertices: np.ndarray,
    triangles: np.ndarray,
    mirror: np.ndarray | None = None,
    evenness: float = 0.0,
) -> np.ndarray:
    """Flattens a mirror-symmetric disc onto the unit square.

    The image-left half is embedded in the rectangle [0, ½] × [0, 1]: the mesh boundary goes to
    three sides by arc length, the symmetry line to u = ½, where it slides freely in v, and each
    inner vertex i solves Σ_j w_ij (uv_i − uv_j) = 0 over its neighbours j with the conformal
    (cotangent) weights w. The other half is its reflection. This is the Tutte embedding of the
    whole mesh, which is symmetric because the mesh is; fixing v along the line by arc length
    would let a fold such as the closed mouth tear the lips apart.

    Conformal weights preserve angles where they can, but crowd nose and mouth into a small area.
    With `evenness` η > 0 a second embedding has the weights w_ij / (σ_i σ_j)^η, where σ is the
    stretch of the first one around a vertex: what was crowded gets more room.

    Args:
        vertices: `(vertices, 3)`, x right, y down.
        triangles: `(triangles, 3)` vertex indices, consistently oriented.
        mirror: `(vertices,)` index of each vertex's mirror image, itself on the symmetry line; None
            finds it (`find_mirror`).
        evenness: η, from 0 (the paper's flattening) to 1 (areas almost equal, angles worse).

    Returns:
        `(vertices, 2)` float64 coordinates (u, v): u to the right, v down, the forehead's edge
        at v = 0.

    Raises:
        ValueError: if the mesh is not a disc (several pieces, holes, branching edges), is not
            mirror symmetric, if a triangle would be flattened to zero area, or if `evenness` is
            out of range.

    Source:
        Bas et al. 2017, sec. 2.3; Floater 1997; weights: Pinkall & Polthier 1993; evenness: one
        step of Yoshizawa et al. 2004, eq. (5), whose rows are divided by σ_i to be symmetric.
    """
    if not 0 <= evenness <= 1:
        raise ValueError(f"flatten_symmetric expects evenness from 0 to 1, received {evenness}.")
    vertices = np.asarray(vertices, np.float64)
    triangles = np.asarray(triangles, np.int64)
    if not np.isfinite(vertices).all():
        raise ValueError("flatten_symmetric expects finite vertices, received NaN or infinity.")
    check_disc(triangles, len(vertices))
    mirror = find_mirror(vertices, triangles) if mirror is None else np.asarray(mirror, np.int64)
    check_mirror(triangles, mirror)

    line = _symmetry_line(vertices, triangles, mirror)
    half = image_left_triangles(vertices, triangles, mirror)
    outline = _outer_boundary(half, line)

    uv = np.full((len(vertices), 2), np.nan)
    uv[line, 0] = 0.5
    is_tip = np.bincount(half.ravel(), minlength=len(vertices))[outline] == 1
    uv[outline] = _three_sides(arc_length(vertices[outline]), is_tip)
    first = uv.copy()
    solve_inner_vertices(first, vertices, half)
    if evenness:
        stretch = vertex_stretch(vertices, half, first)
        solve_inner_vertices(uv, vertices, half, stretch, evenness)
    else:
        uv = first

    other = np.isnan(uv[:, 0])
    uv[other] = uv[mirror[other]] * [-1, 1] + [1, 0]
    check_not_flipped(uv, triangles)
    return uv


def check_disc(triangles: np.ndarray, vertex_count: int) -> None:
    """Raises a ValueError that names the fault unless the mesh is one disc."""
    if triangles.ndim != 2 or triangles.shape[1] != 3 or not len(triangles):
        raise ValueError(f"Expected triangles of shape (triangles, 3), received {triangles.shape}.")
    if triangles.min() < 0 or triangles.max() >= vertex_count:
        raise ValueError(
            f"Expected triangles to number vertices 0 to {vertex_count - 1}, "
            f"received {triangles.min()} to {triangles.max()}."
        )
    unused = vertex_count - len(np.unique(triangles))
    if unused:
        raise ValueError(f"Expected every vertex in a triangle, received {unused} loose vertices.")

    directed = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    uses = _counts(np.sort(directed, axis=1), vertex_count)
    if uses.max() > 2:
        raise ValueError(
            f"Expected a manifold mesh, received {np.sum(uses > 2)} edges with more than two "
            "triangles."
        )
    if _counts(directed, vertex_count).max() > 1:
        raise ValueError("Expected consistently oriented triangles, received some turned over.")
    pieces = int(igl.vertex_components(triangles).max()) + 1
    if pieces > 1:
        raise ValueError(f"Expected a mesh in one piece, received {pieces} pieces.")
    if not np.all(igl.is_vertex_manifold(triangles)):
        raise ValueError("Expected a manifold mesh, received parts that touch in a vertex only.")
    loops = len(igl.boundary_loop_all(triangles))
    if loops != 1:
        hint = " Close the holes (eyes, mouth, nostrils) first." if loops > 1 else ""
        raise ValueError(
            f"Expected a disc (one boundary loop), received {loops} boundary loops.{hint}"
        )
    euler = vertex_count - len(uses) + len(triangles)
    if euler != 1:
        raise ValueError(
            f"Expected a disc (Euler characteristic 1), received a surface with handles (Euler "
            f"characteristic {euler})."
        )


def check_mirror(triangles: np.ndarray, mirror: np.ndarray) -> None:
    """Raises a ValueError unless `mirror` maps the triangles to each other, turned over."""
    count = int(triangles.max()) + 1
    in_range = mirror.shape == (count,) and mirror.min() >= 0 and mirror.max() < count
    if not in_range or not np.array_equal(mirror[mirror], np.arange(count)):
        raise ValueError(
            f"Expected `mirror` to be an involution of {count} vertices (the mirror of the mirror "
            f"is the vertex), received an array of shape {mirror.shape} that is not."
        )
    both = np.concatenate([_canonical(triangles), _canonical(mirror[triangles][:, ::-1])])
    unmatched = int((_counts(both, count) == 1).sum()) // 2
    if unmatched:
        raise ValueError(
            "Expected a mirror-symmetric triangulation, received one in which "
            f"{unmatched} of {len(triangles)} triangles have no mirror image."
        )


def _canonical(triangles):
    """Rotates each triangle so that its smallest index comes first; orientation is kept."""
    first = np.argmin(triangles, axis=1)[:, None]
    return np.take_along_axis(triangles, (first + np.arange(3)) % 3, axis=1)


def _counts(rows, vertex_count):
    """Returns how often each row of vertex indices `(n, k)` occurs, in no particular order."""
    digits = vertex_count ** np.arange(rows.shape[1])
    number = np.sort(rows @ digits)
    starts = np.flatnonzero(np.concatenate([[True], number[1:] != number[:-1]]))
    return np.diff(starts, append=len(number))


def _symmetry_line(vertices, triangles, mirror):
    """Returns the self-mirrored vertices as a path from the upper to the lower boundary."""
    on_line = mirror == np.arange(len(mirror))
    edges = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges = np.unique(np.sort(edges[on_line[edges].all(axis=1)], axis=1), axis=0)
    neighbours: dict[int, list[int]] = {int(v): [] for v in np.flatnonzero(on_line)}
    for a, b in edges.tolist():
        neighbours[a].append(b)
        neighbours[b].append(a)
    ends = [v for v, others in neighbours.items() if len(others) == 1]
    if len(ends) != 2 or any(len(others) > 2 for others in neighbours.values()):
        raise ValueError(
            "Expected a symmetry line (vertices that are their own mirror image, joined by edges "
            f"from boundary to boundary), received {len(neighbours)} such vertices that form no "
            "single path."
        )
    path = [min(ends, key=lambda v: vertices[v, 1])]
    while len(path) < len(neighbours):
        ahead = [v for v in neighbours[path[-1]] if v not in path[-2:]]
        if not ahead:
            raise ValueError("Expected one symmetry line, received several pieces of a line.")
        path.append(ahead[0])
    boundary = set(np.ravel(igl.boundary_loop(triangles)).tolist())
    if path[0] not in boundary or path[-1] not in boundary:
        raise ValueError("Expected the symmetry line to run from boundary to boundary.")
    return np.array(path)


def image_left_triangles(
    vertices: np.ndarray, triangles: np.ndarray, mirror: np.ndarray
) -> np.ndarray:
    """Returns the triangles on the image-left side of the symmetry line.

    Raises:
        ValueError: if triangles lie across the line.
    """
    on_line = mirror == np.arange(len(mirror))
    # Two triangles are on the same side when they share an edge that is not on the line.
    neighbour, _ = igl.triangle_triangle_adjacency(triangles)  # across edges 01, 12, 20
    shared = (neighbour >= 0) & ~(on_line[triangles] & on_line[np.roll(triangles, -1, axis=1)])
    graph = coo_array(
        (np.ones(shared.sum(), bool), (np.nonzero(shared)[0], neighbour[shared])),
        shape=(len(triangles), len(triangles)),
    )
    sides, side = connected_components(graph, directed=False)
    if sides != 2:
        raise ValueError(
            "Expected the symmetry line to part the mesh in two halves, received "
            f"{sides} part{'s' if sides != 1 else ''}: triangles lie across the line."
        )
    mean_x = [vertices[triangles[side == s], 0].mean() for s in (0, 1)]
    return triangles[side == int(np.argmin(mean_x))]


def _outer_boundary(half, line):
    """Returns the half's boundary vertices without the line, from its top end to its bottom end."""
    loop = np.ravel(igl.boundary_loop(half))
    loop = np.roll(loop, -int(np.flatnonzero(loop == line[0])[0]))
    if loop[1] == line[1]:  # walk away from the symmetry line
        loop = np.roll(loop[::-1], 1)
    return loop[: int(np.flatnonzero(loop == line[-1])[0]) + 1]


def arc_length(points: np.ndarray) -> np.ndarray:
    """Returns the arc length along a path of points `(n, 3)`, from 0 to 1, `(n,)`."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    return length / length[-1]


def _three_sides(parameter, is_tip):
    """Lays a path, parameter 0..1, along the sides (½,0)-(0,0)-(0,1)-(½,1).

    The corners are put at about a quarter and three quarters of the way: on the tip of a triangle
    that would collapse on a side if one is near, otherwise on the nearest vertex.
    """
    inner = np.arange(1, len(parameter) - 1)
    first = _nearest_corner(inner[:-1], 0.25, parameter, is_tip)
    second = _nearest_corner(inner[inner > first], 0.75, parameter, is_tip)
    knots = parameter[[0, first, second, -1]]
    u = np.interp(parameter, knots, [0.5, 0.0, 0.0, 0.5])
    v = np.interp(parameter, knots, [0.0, 0.0, 1.0, 1.0])
    return np.stack([u, v], axis=1)


def _nearest_corner(candidates, wanted, parameter, is_tip):
    """Returns the candidate nearest to the wanted parameter; tips within reach take precedence."""
    distance = np.abs(parameter[candidates] - wanted)
    tips = is_tip[candidates] & (distance < _CORNER_REACH)
    return int(candidates[np.argmin(distance + np.where(tips, 0, _CORNER_REACH))])


def solve_inner_vertices(
    uv: np.ndarray,
    vertices: np.ndarray,
    triangles: np.ndarray,
    stretch: np.ndarray | None = None,
    evenness: float = 0.0,
) -> None:
    """Fills in the NaN entries of `uv` at the vertices of `triangles`, in place."""
    weights = _conformal_weights(vertices, triangles)
    if stretch is not None:
        used = stretch > 0
        factor = np.where(used, stretch / np.median(stretch[used]), 1.0) ** -evenness
        weights = csc_array(_diagonal(factor) @ weights @ _diagonal(factor))
    laplacian = csc_array(weights - _diagonal(weights.sum(axis=0)))
    used = np.unique(triangles)
    for coordinate in uv.T:  # a view: u, then v
        inner = used[np.isnan(coordinate[used])]
        fixed = used[~np.isnan(coordinate[used])]
        right = -laplacian[inner][:, fixed] @ coordinate[fixed]
        # The matrix is symmetric and negative definite: this ordering without pivoting is
        # the fastest.
        factors = splu(
            csc_array(laplacian[inner][:, inner]),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        coordinate[inner] = factors.solve(right)


def _conformal_weights(vertices, triangles):
    """Returns the sparse symmetric matrix of positive cotangent edge weights."""
    cotangent = igl.cotmatrix(vertices, triangles).tocoo()
    off_diagonal = cotangent.row != cotangent.col
    row, column = cotangent.row[off_diagonal], cotangent.col[off_diagonal]
    weight = cotangent.data[off_diagonal]
    if not np.isfinite(weight).all():
        raise ValueError("Expected triangles with an area, received some that are degenerate.")
    weight = np.maximum(weight, _SMALLEST_WEIGHT * np.median(np.abs(weight)))
    return coo_array((weight, (row, column)), shape=cotangent.shape).tocsc()


def _diagonal(values):
    """Returns a sparse diagonal matrix."""
    index = np.arange(len(values))
    return coo_array((values, (index, index)), shape=(len(values),) * 2).tocsc()


def check_not_flipped(uv: np.ndarray, triangles: np.ndarray) -> None:
    """Raises a ValueError if a flattened triangle has no area or is flipped."""
    a, b, c = (uv[triangles[:, k]] for k in range(3))
    (ux, uy), (wx, wy) = (b - a).T, (c - a).T
    area = ux * wy - uy * wx
    bad = np.flatnonzero(area * np.sign(np.median(area)) <= 1e-14)
    if len(bad):
        raise ValueError(
            f"{len(bad)} triangles would be flattened to nothing, the first with vertices "
            f"{triangles[bad[0]].tolist()}. A triangle with all its corners on one side of the "
            "boundary cannot be laid on a square: `cut_face(model, region='all')` trims those."
        )
