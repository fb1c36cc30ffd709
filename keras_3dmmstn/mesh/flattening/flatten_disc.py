"""The flattening of a surface without symmetry onto the unit square: a Tutte embedding."""

from collections.abc import Sequence

import igl
import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_3dmmstn.mesh.flattening.flatten import (
    arc_length,
    check_disc,
    check_not_flipped,
    solve_inner_vertices,
)
from keras_3dmmstn.mesh.flattening.stretch import vertex_stretch

# The corners of the square, (u, v), in the order of the argument `corners`.
_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def flatten_disc(
    vertices: np.ndarray,
    triangles: np.ndarray,
    corners: Sequence[int] | np.ndarray | None = None,
    evenness: float = 0.0,
) -> np.ndarray:
    """Flattens a disc of any object onto the unit square; the disc need not be symmetric.

    The boundary goes to the four sides by arc length, from corner to corner, and each inner vertex
    i solves Σ_j w_ij (uv_i − uv_j) = 0 with the weights of `flatten_symmetric`.

    Args:
        vertices: `(vertices, 3)`, x right, y down.
        triangles: `(triangles, 3)` vertex indices, counter-clockwise seen from outside.
        corners: the boundary vertices that become the corners of the texture: top left, top
            right, bottom right, bottom left. None takes those nearest to the diagonals of the
            boundary's box.
        evenness: as for `flatten_symmetric`.

    Returns:
        `(vertices, 2)` float64 coordinates (u, v): u to the right, v down.

    Raises:
        ValueError: if the mesh is not a disc, `corners` are not four vertices along its boundary in
            this order, a triangle would be flattened to zero area, or `evenness` is out of range.

    Source:
        Bas et al. 2017, sec. 2.3; Floater 1997; weights: Pinkall & Polthier 1993; evenness: as for
        `flatten_symmetric`.
    """
    if not 0 <= evenness <= 1:
        raise ValueError(f"flatten_disc expects evenness from 0 to 1, received {evenness}.")
    vertices = np.asarray(vertices, np.float64)
    triangles = np.asarray(triangles, np.int64)
    if not np.isfinite(vertices).all():
        raise ValueError("flatten_disc expects finite vertices, received NaN or infinity.")
    check_disc(triangles, len(vertices))
    boundary = _clockwise_boundary(triangles)
    chosen = _diagonal(vertices, triangles, boundary) if corners is None else corners
    places = _places_of(chosen, boundary)
    if places is None and corners is None:
        raise ValueError(
            "flatten_disc found no corners, four different vertices clockwise along the boundary. "
            "Triangles are counter-clockwise seen from the viewer, x right and y down: turn them, "
            "or the axes (`frame`, --frame), if they are not; or give `corners`."
        )
    if places is None:
        raise ValueError(
            "flatten_disc expects `corners` of four different vertices of the boundary, clockwise "
            f"seen from outside from the top left, received {np.ravel(chosen).tolist()}."
        )

    uv = np.full((len(vertices), 2), np.nan)
    boundary = np.roll(boundary, -places[0])
    ends = [*((places - places[0]) % len(boundary)), len(boundary)]
    closed = np.append(boundary, boundary[0])
    for side in range(4):
        path = closed[ends[side] : ends[side + 1] + 1]
        share = arc_length(vertices[path])[:, None]
        uv[path] = (1 - share) * _CORNERS[side] + share * _CORNERS[(side + 1) % 4]
    first = uv.copy()
    solve_inner_vertices(first, vertices, triangles)
    if evenness:
        stretch = vertex_stretch(vertices, triangles, first)
        solve_inner_vertices(uv, vertices, triangles, stretch, evenness)
    else:
        uv = first
    check_not_flipped(uv, triangles)
    return uv


def _clockwise_boundary(triangles):
    """Returns the boundary's vertices, clockwise seen from outside."""
    loop = np.ravel(igl.boundary_loop(triangles))
    edges = {tuple(edge) for edge in triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist()}
    return loop[::-1] if (int(loop[0]), int(loop[1])) in edges else loop


def _diagonal(vertices, triangles, boundary):
    """Returns the boundary's vertices that lie nearest to the diagonals of its box, `(4,)`.

    A vertex with a single triangle always becomes a corner: on a side, it would collapse.
    """
    points = vertices[boundary, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    offsets = (points - low) / np.maximum(high - low, np.finfo(float).tiny) - 0.5
    offsets /= np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), np.finfo(float).tiny)
    nearness = offsets @ (_CORNERS - 0.5).T
    chosen = nearness.argmax(axis=0)
    tips = np.flatnonzero(np.bincount(triangles.ravel())[boundary] == 1)
    rows, columns = linear_sum_assignment(nearness[tips], maximize=True)
    chosen[columns] = tips[rows]
    return boundary[chosen]


def _places_of(corners, boundary):
    """Returns the corners' positions along the boundary, `(4,)`; None if they are not in order."""
    places = [np.flatnonzero(boundary == corner) for corner in np.ravel(corners)]
    if len(places) == 4 and all(len(place) == 1 for place in places):
        along = np.concatenate(places)
        if (np.diff((along - along[0]) % len(boundary)) > 0).all():
            return along
    return None
