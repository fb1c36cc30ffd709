"""Fits the face model to the labelled points of one photograph."""

from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.mesh import GridModel, contour_lines
from keras_3dmmstn.mesh.head_pose import yaw_of_rotation
from keras_3dmmstn.mesh.landmark_sets import JAW_POINTS, LANDMARK_COUNT, LANDMARK_SET
from keras_3dmmstn.mesh.visibility.contour import outermost
from keras_3dmmstn.training.fitting.weak_perspective import (
    WeakPerspective,
    first_pose,
    gauss_newton,
    projection_jacobian,
    turned_pose,
    yaw_jacobian,
)

#: Standard deviation of hand-placed points, as a share of √(w h) of their tight box.
LABEL_DEVIATION = 0.02
#: Standard deviation of a roughly known yaw, radians.
YAW_DEVIATION = float(np.radians(5))
_FEWEST_POINTS = 6
_ROUNDS = 20


@dataclass(frozen=True)
class FaceFit:
    """A face model's shape and pose in one photograph.

    A point X of the shape lies at scale · P R X + shift in the photograph, P = first two rows of
    the identity.

    Attributes:
        rotation: `(3, 3)` R.
        scale: pixels per millimetre.
        shift: `(2,)` pixels.
        coefficients: `(modes,)` α.
        vertices: `(89,)` the vertex matched with each point of `LANDMARK_SET`; those of the jaw
            depend on the pose.
        error: mean distance of the fitted points from the labels, as a share of √(w h) of the
            labels' tight box.
    """

    rotation: np.ndarray
    scale: float
    shift: np.ndarray
    coefficients: np.ndarray
    vertices: np.ndarray
    error: float

    @property
    def yaw(self) -> float:
        """How far the face is turned towards image-right, radians."""
        return float(yaw_of_rotation(self.rotation))

    def project(self, points: np.ndarray) -> np.ndarray:
        """Returns the positions `(N, 2)` of model points `(N, 3)` in the photograph."""
        return self.scale * (points @ self.rotation.T)[:, :2] + self.shift


class FaceFitter:
    """Fits one face model to many faces.

    It minimises Σ_l c_l |y_l − (s P R x_l(α) + t)|² / σ² + |α|² over R, s, t and α by Gauss-Newton,
    with σ the deviation of the labels and c their confidence. In every round each point of the jaw
    takes the vertex of its contour line that lies furthest outward. The points of one side of a
    face hardly determine how far it is turned: if that is known, (yaw − ψ)² / σ_ψ² is added.

    Args:
        model: has the landmarks of `LANDMARK_SET`.

    Source:
        Contour: Zhu et al. 2015, "High-fidelity pose and expression normalization".
    """

    def __init__(self, model: GridModel):
        lines, directions = contour_lines(model)
        self.model = model
        self.jaw_lines, self.jaw_directions = lines, directions.astype(float)
        others = model.landmark_indices(LANDMARK_SET)[JAW_POINTS:]
        self._vertices = np.concatenate([lines.ravel(), others])
        self._mean = model.mean[self._vertices].astype(float)
        self._basis = model.basis[:, self._vertices].astype(float)

    def fit(self, landmarks: np.ndarray, yaw: float | None = None) -> FaceFit:
        """Fits the model to the points of one face.

        Args:
            landmarks: `(89, 3)` in the order of `LANDMARK_SET`: x, y in pixels, and confidence.
            yaw: ψ towards image-right, radians; None if unknown.

        Raises:
            ValueError: if they have another shape, or fewer than six points are labelled or lie in
                one place or on a line.
        """
        points, weight = _checked(landmarks)
        known = weight > 0
        unturned = self._rows(np.zeros(JAW_POINTS, int))
        modes, mean = len(self._basis), self._mean[unturned]
        if yaw is None:
            rotation, scale, shift = first_pose(mean[known], points[known])
            start = WeakPerspective(rotation, np.array(scale), shift, np.zeros(modes))
        else:
            many = turned_pose(mean, points[None], known[None].astype(float), yaw, modes)
            start = WeakPerspective(
                many.rotation[0], many.scale[0], many.shift[0], many.coefficients[0]
            )
        chosen, residual = unturned, np.empty(0)

        def linearised(face):
            nonlocal chosen, residual
            turned = face.turned(self._mean, self._basis)
            chosen = self._matched(turned, face.rotation)
            residual = (face.projected(turned[chosen]) - points) * weight[:, None]
            jacobian = projection_jacobian(
                turned[chosen], self._basis[:, chosen], face.rotation, face.scale
            )
            jacobian = (jacobian * weight[:, None, None]).reshape(residual.size, -1)
            if yaw is None:
                return residual.ravel(), jacobian
            lean = np.array([yaw_of_rotation(face.rotation) - yaw]) / YAW_DEVIATION
            lean_jacobian = yaw_jacobian(face.rotation, modes)[None] / YAW_DEVIATION
            return np.append(residual.ravel(), lean), np.concatenate([jacobian, lean_jacobian])

        face = gauss_newton(start, linearised, _ROUNDS)
        # In the units of the last round's labels: the step after it was negligible.
        error = LABEL_DEVIATION * np.mean(np.linalg.norm(residual[known], axis=1))
        return FaceFit(
            face.rotation,
            float(face.scale),
            face.shift,
            face.coefficients,
            self._vertices[chosen],
            float(error),
        )

    def _matched(self, turned, rotation):
        """Returns the indices in `_vertices` of a turned face's 89 points, the jaw outermost."""
        candidates = turned[: self.jaw_lines.size, :2].reshape(*self.jaw_lines.shape, 2)
        return self._rows(outermost(candidates, self.jaw_directions, rotation))

    def _rows(self, positions):
        """Returns the indices in `_vertices` of the 89 points, given positions `(17,)` on lines."""
        lines, candidates = self.jaw_lines.shape
        others = np.arange(self.jaw_lines.size, len(self._vertices))
        return np.concatenate([np.arange(lines) * candidates + positions, others])


def _checked(landmarks):
    """Returns points `(89, 2)`, 0 where not labelled, and √c / σ `(89,)`."""
    landmarks = np.asarray(landmarks, float)
    if landmarks.shape != (LANDMARK_COUNT, 3):
        raise ValueError(
            f"FaceFitter expects landmarks of shape ({LANDMARK_COUNT}, 3), "
            f"received shape {landmarks.shape}."
        )
    known = landmarks[:, 2] > 0
    points = np.where(known[:, None], landmarks[:, :2], 0)
    box = np.ptp(points[known], axis=0).prod() if known.sum() >= _FEWEST_POINTS else 0
    if not box > 0:
        raise ValueError(
            f"FaceFitter expects at least {_FEWEST_POINTS} labelled points that span a box, "
            f"received {known.sum()}."
        )
    return points, np.sqrt(np.where(known, landmarks[:, 2], 0)) / (LABEL_DEVIATION * np.sqrt(box))
