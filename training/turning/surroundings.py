"""The head, neck and background around a face: rings that follow it when it turns."""

from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.network import framing

_ANGLES = 72
# The rings of the head: radius relative to the face's outline; and depth, from the outline's own
# (0) to that of the axis of the head (1) and to the back of the head (2).
_RINGS = ((1.0, 0.0), (1.05, 0.5), (1.15, 1.0), (1.4, 2.0))
# How far the back of the head lies behind its axis, and the background, millimetres.
_BACK, _BACKGROUND = 60.0, 200.0
# Below the face's middle the rings become the neck, which has no back of the head: completely from
# this many millimetres on.
_NECK = 60.0
# A ring lies at least this far behind the outline, millimetres.
_LEAST_STEP = 5.0
# The last ring is the picture's frame, enlarged so that its corners are covered.
_FRAME_SHARE = 1.15


@dataclass(frozen=True)
class Surroundings:
    """A mesh around a face.

    Attributes:
        before: `(V, 2)` positions of its vertices in the photograph's cut-out, pixels.
        after: `(V, 2)` their positions in the picture of the turned face, pixels.
        depth: `(V,)` after the turn, millimetres.
        triangles: `(T, 3)`.
    """

    before: np.ndarray
    after: np.ndarray
    depth: np.ndarray
    triangles: np.ndarray


def surroundings(
    posed: np.ndarray,
    axis: np.ndarray,
    turn: np.ndarray,
    to_source: np.ndarray,
    to_picture: np.ndarray,
    sizes: tuple[int, int],
) -> Surroundings:
    """Builds rings from a face's outline to the picture's frame.

    The rings of the head turn with the face; the frame stays, and the background stretches
    between, so that no hole opens.

    Args:
        posed: `(N, 3)` the face as the camera sees it, millimetres.
        axis: `(3,)` a point on the axis of the turn.
        turn: `(3, 3)` the turn.
        to_source, to_picture: `(2, 3)`, from millimetres to pixels of the cut-out and the picture.
        sizes: sides of the cut-out and of the picture, which is in the middle of the cut-out.
    """
    outline, middle = _outline(posed)
    head = np.concatenate([_ring(outline, middle, axis[2], *ring) for ring in _RINGS])
    turned = (head - axis) @ turn.T + axis
    before = framing.apply_similarity(to_source, head[:, :2])
    after = framing.apply_similarity(to_picture, turned[:, :2])

    centre = framing.apply_similarity(to_source, middle)
    frame = _frame(centre, before[:_ANGLES] - centre, *sizes)
    in_picture = frame - (sizes[0] - sizes[1]) / 2
    background = np.full(_ANGLES, axis[2] + _BACKGROUND)
    return Surroundings(
        np.concatenate([before, frame]),
        np.concatenate([after, in_picture]),
        np.concatenate([turned[:, 2], background]),
        _ring_triangles(len(_RINGS) + 1),
    )


def _outline(posed):
    """Returns the farthest point in each direction from the face's middle, and the middle `(2,)`.

    The outline is `(angles, 3)`; a direction without a point takes that of a neighbour.
    """
    middle = (posed[:, :2].min(axis=0) + posed[:, :2].max(axis=0)) / 2
    x, y = (posed[:, :2] - middle).T
    sector = np.floor((np.arctan2(y, x) / (2 * np.pi) + 0.5) * _ANGLES).astype(int) % _ANGLES
    order = np.lexsort((np.hypot(x, y), sector))
    last = np.searchsorted(sector[order], np.arange(_ANGLES), side="right") - 1
    return posed[order[last]], middle


def _ring(outline, middle, axis_depth, radius, level):
    """Returns a ring of the head `(angles, 3)`."""
    ring = outline.copy()
    ring[:, :2] = middle + radius * (outline[:, :2] - middle)
    ring[:, 2] += min(level, 1.0) * np.maximum(axis_depth - ring[:, 2], _LEAST_STEP)
    head = 1 - np.clip((outline[:, 1] - middle[1]) / _NECK, 0, 1)
    ring[:, 2] += max(level - 1.0, 0.0) * _BACK * head
    return ring


def _frame(centre, directions, source_size, size):
    """Returns where rays from `centre` in directions `(angles, 2)` meet the enlarged frame."""
    half, middle = _FRAME_SHARE * size / 2, (source_size - 1) / 2
    steps = np.where(np.abs(directions) < 1e-9, 1e-9, directions)
    reach = ((middle + np.sign(steps) * half - centre) / steps).min(axis=1, keepdims=True)
    return centre + reach * directions


def _ring_triangles(rings):
    """Returns the triangles `(T, 3)` between neighbouring rings."""
    inner = np.arange(rings * _ANGLES).reshape(rings, _ANGLES)
    following = np.roll(inner, -1, axis=1)
    a, b, c, d = inner[:-1], following[:-1], inner[1:], following[1:]
    return np.stack([a, c, d, a, d, b], axis=-1).reshape(-1, 3)
