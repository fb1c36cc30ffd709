"""Finds a face if not all 68 points are labelled, by a face model fitted to the labelled ones."""

import functools

import numpy as np

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, LANDMARK_SET
from keras_3dmmstn.training.fitting.weak_perspective import (
    gauss_newton,
    projection_jacobian,
    turned_pose,
)

# Standard deviations of the prior that keeps few points from being explained by an odd pose: of the
# x and y components of the direction the face looks in, and of a point, in millimetres.
_YAW_DEVIATION, _PITCH_DEVIATION = 0.5, 0.2
_POINT_DEVIATION = 4.0
_MODES = 6  # of identity: the box needs the proportions, not the details
_STARTS = (-0.8, 0.0, 0.8)  # radians of yaw
_ROUNDS = 12
# The tight box of the 68 points within AFLW's rectangle, in its sides: centre and larger side.
# Medians over 1,166 faces with 13 and more points (deviations: 0.03, 0.02, 0.04).
_RECTANGLE_CENTRE, _RECTANGLE_SHARE = (0.5, 0.515), 0.845
# An estimate is rejected if its centre or size differs from that by more than this.
_LARGEST_SHIFT, _LARGEST_RATIO = 0.5, 2.0


def face_boxes(
    landmarks: np.ndarray,
    rectangles: np.ndarray | None = None,
    face_model: GridModel | None = None,
) -> np.ndarray:
    """Returns the tight box of each face's 68 points, estimated if they are not all labelled.

    The pose and the first coefficients of a face model are fitted to the labelled points,

        Σ |y_l − (s P R x_l(α) + t)|² / (σ s)² + |α|² + (d_x / σ_x)² + (d_y / σ_y)²,

    with d the direction that the face looks in. The box is that of the 68 points, each at its label
    or, without one, where the fit puts it. If fewer than three points are labelled, or the fit
    contradicts the data set's rectangle, the box is taken from the rectangle.

    Args:
        landmarks: `(faces, 89, 3)` in the order of `LANDMARK_SET`: x, y in pixels, and confidence,
            0 where a point is not labelled.
        rectangles: `(faces, 4)` x0, y0, x1, y1 of the data set's own face rectangle, NaN where it
            has none; None if there are none at all.
        face_model: has the landmarks of `LANDMARK_SET`; the bundled one by default.

    Returns:
        `(faces, 4)` float64 x0, y0, x1, y1 in pixels; NaN if the face cannot be located: there are
        neither two labelled points nor a rectangle, or the box is smaller than a pixel.
    """
    if rectangles is None:
        rectangles = np.full((len(landmarks), 4), np.nan)
    labelled = landmarks[..., 2] > 0
    points = landmarks[:, :IBUG68_COUNT, :2].astype(float)
    points[~labelled[:, :IBUG68_COUNT]] = np.nan
    count = labelled.sum(axis=1)
    partial = ~labelled[:, :IBUG68_COUNT].all(axis=1)
    fitted = partial & (count >= 2)
    for chunk in np.array_split(np.flatnonzero(fitted), max(1, fitted.sum() // 500)):
        if len(chunk):
            projected = fit_points(landmarks[chunk], face_model)[:, :IBUG68_COUNT]
            known = labelled[chunk, :IBUG68_COUNT, None]
            # Rounded, so that the order of summation in the fit does not change what is stored.
            points[chunk] = np.where(known, points[chunk], np.round(projected * 64) / 64)
    boxes = np.full((len(landmarks), 4), np.nan)
    framed = ~partial | fitted
    boxes[framed, :2], boxes[framed, 2:] = points[framed].min(axis=1), points[framed].max(axis=1)
    from_rectangle = _box_in_rectangle(rectangles)
    poor = partial & ((count < 3) | _contradict(boxes, from_rectangle))
    poor &= np.isfinite(from_rectangle).all(axis=1)
    boxes[poor] = from_rectangle[poor]
    boxes[~((boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= 1)] = np.nan
    return boxes


def fit_points(landmarks: np.ndarray, face_model: GridModel | None = None) -> np.ndarray:
    """Fits pose and a few coefficients of a face model to labelled points.

    Args:
        landmarks: `(faces, 89, 3)`: x, y in pixels and confidence, at least two points labelled.
        face_model: has the landmarks of `LANDMARK_SET`; the bundled one by default.

    Returns:
        `(faces, 89, 2)` the fitted model's landmarks in pixels.
    """
    mean, basis = _bundled_landmarks() if face_model is None else _landmark_model(face_model)
    weights = (landmarks[..., 2] > 0).astype(float)
    points = np.where(weights[..., None] > 0, landmarks[..., :2], 0).astype(float)
    best, lowest = np.zeros((len(points), len(mean), 2)), np.full(len(points), np.inf)
    for yaw in _STARTS:
        projected, cost = _fit(mean, basis, points, weights, yaw)
        better = cost < lowest
        best[better], lowest[better] = projected[better], cost[better]
    return best


def _fit(mean, basis, points, weights, yaw):
    """Fits from an initial yaw; returns `(faces, L, 2)` pixels and the costs `(faces,)`."""

    def linearised(faces):
        turned = faces.turned(mean, basis)
        deviation = (_POINT_DEVIATION * faces.scale)[:, None, None]
        residual = weights[..., None] * (faces.projected(turned) - points) / deviation
        jacobian = projection_jacobian(turned, basis, faces.rotation, faces.scale)
        jacobian *= weights[..., None, None] / deviation[..., None]
        lean, lean_jacobian = _lean(faces.rotation, len(basis))
        count = len(points)
        return (
            np.concatenate([residual.reshape(count, -1), lean], axis=1),
            np.concatenate([jacobian.reshape(count, -1, 6 + len(basis)), lean_jacobian], axis=1),
        )

    faces = gauss_newton(turned_pose(mean, points, weights, yaw, len(basis)), linearised, _ROUNDS)
    cost = (linearised(faces)[0] ** 2).sum(axis=1) + (faces.coefficients**2).sum(axis=1)
    return faces.projected(faces.turned(mean, basis)), cost


def _lean(rotation, modes):
    """Returns the direction that faces look in, `(faces, 2)` in deviations, and its Jacobian."""
    look = np.array([1 / _YAW_DEVIATION, 1 / _PITCH_DEVIATION])
    direction = rotation[:, :, 2]
    jacobian = np.zeros((len(rotation), 2, 6 + modes))
    jacobian[:, 0, 1], jacobian[:, 0, 2] = direction[:, 2], -direction[:, 1]
    jacobian[:, 1, 0], jacobian[:, 1, 2] = -direction[:, 2], direction[:, 0]
    return direction[:, :2] * look, jacobian * look[:, None]


def _box_in_rectangle(rectangles):
    """Returns the box of the 68 points for rectangles `(faces, 4)`; NaN for NaN."""
    corner, size = rectangles[:, :2].astype(float), rectangles[:, 2:] - rectangles[:, :2]
    centre, half = corner + size * _RECTANGLE_CENTRE, size * (_RECTANGLE_SHARE / 2)
    return np.concatenate([centre - half, centre + half], axis=1)


def rectangles_around(boxes: np.ndarray) -> np.ndarray:
    """Returns rectangles from which `face_boxes` takes these boxes, `(faces, 4)`.

    Args:
        boxes: `(faces, 4)` x0, y0, x1, y1, NaN where there is none.
    """
    size = (boxes[:, 2:] - boxes[:, :2]) / _RECTANGLE_SHARE
    corner = (boxes[:, :2] + boxes[:, 2:]) / 2 - size * _RECTANGLE_CENTRE
    return np.concatenate([corner, corner + size], axis=1)


def _contradict(boxes, others):
    """Returns which boxes `(faces, 4)` are far from others in position or size."""
    size, other_size = ((b[:, 2:] - b[:, :2]).max(axis=1) for b in (boxes, others))
    shift = np.abs(boxes[:, :2] + boxes[:, 2:] - others[:, :2] - others[:, 2:]).max(axis=1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.maximum(size / other_size, other_size / size)
    return (shift > _LARGEST_SHIFT * other_size) | (ratio > _LARGEST_RATIO)


@functools.cache
def _bundled_landmarks():
    return _landmark_model(GridModel.bundled())


def _landmark_model(face_model):
    """Returns the mean `(L, 3)` and first modes `(modes, L, 3)` of a face model's landmarks."""
    indices = face_model.landmark_indices(LANDMARK_SET)
    modes = min(_MODES, face_model.identity_count)
    return face_model.mean[indices].astype(float), face_model.basis[:modes, indices].astype(float)
