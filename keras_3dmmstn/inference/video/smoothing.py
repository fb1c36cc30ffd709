"""Reduces jitter in the faces of a video: averages θ over neighbouring frames where it is still."""

from numbers import Real

import numpy as np
from scipy.spatial.transform import Rotation

from keras_3dmmstn.inference.video.sighting import Sighting
from keras_3dmmstn.mesh import GridModel

# σ of pose and shape, in sizes of the face: larger deviations are motion rather than noise.
_POSE_NOISE, _SHAPE_NOISE = 0.015, 0.0075
# Neighbours further away in time, in seconds, are not used.
_FURTHEST = 0.25
# Parts of the face that move on their own: brows, nose, each eye, mouth; of the 51 inner points.
_PARTS = (slice(0, 10), slice(10, 19), slice(19, 25), slice(25, 31), slice(31, 51))


class Smoothing:
    """Removes jitter from a frame's face with the frames before and after it.

        θ̂ = θ + w d,    d = θ₋ (t₊ − t) / (t₊ − t₋) + θ₊ (t − t₋) / (t₊ − t₋) − θ

    The neighbours are interpolated at the frame's own time, so that a steadily moving face does not
    lag behind. Rotations are averaged in the tangent space of the frame's own. The weight

        w = ⅔ · strength / (1 + (e / σ)²)

    falls where the face does not move as its neighbours predict. For r, t and s, e is the root mean
    square of d at the 51 inner landmarks of an unchanged face; for the coefficients, that of the
    part that moves most: brows, nose, an eye or the mouth, so that a blink remains. σ is 1.5 % of
    the face's size for the pose and 0.75 % for the coefficients. With strength 1 a frame of a still
    face becomes the plain mean of three.

    Args:
        grid_model: the face model, with the landmarks `ibug68`.
        strength: from 0 for no smoothing to 1.

    Raises:
        ValueError: if the strength is not in 0..1, or the face model has no such landmarks.
    """

    def __init__(self, grid_model: GridModel, strength: float = 1.0):
        is_number = all(isinstance(value, Real) for value in (strength,))
        if not (is_number and 0 <= strength <= 1):
            raise ValueError(f"Expected a strength of smoothing in 0..1, received {strength!r}.")
        if "ibug68" not in grid_model.landmarks:
            known = ", ".join(map(repr, grid_model.landmarks)) or "none"
            raise ValueError(
                "Videos need a face model with the 68 landmarks of a face (ibug68), by which faces "
                f"are followed; the landmark sets of this one: {known}."
            )
        self.strength = float(strength)
        inner = grid_model.landmark_indices("ibug68")[17:]
        self._mean, self._basis = grid_model.mean[inner], grid_model.basis[:, inner]

    def __call__(
        self, before: Sighting, now: Sighting, after: Sighting, times: tuple[float, float, float]
    ) -> np.ndarray:
        """Returns θ `(6 + D,)` of `now`, smoothed.

        Args:
            before, now, after: the same face in three frames.
            times: of the three, in seconds.
        """
        theta = now.parameters
        past, future = times[1] - times[0], times[2] - times[1]
        if not (self.strength and 0 < past <= _FURTHEST and 0 < future <= _FURTHEST):
            return theta
        shares = future / (past + future), past / (past + future)
        deviation = _deviation(before.parameters, theta, after.parameters, shares)
        pose, shape = self._motions(before, now, after, shares, deviation)
        full = 2 / 3 * self.strength
        pose_weight, shape_weight = (
            full / (1 + (motion / now.size / noise) ** 2)
            for motion, noise in ((pose, _POSE_NOISE), (shape, _SHAPE_NOISE))
        )
        smoothed = theta + shape_weight * deviation
        smoothed[3:6] = theta[3:6] + pose_weight * deviation[3:6]
        turn = Rotation.from_rotvec(pose_weight * deviation[:3])
        smoothed[:3] = (Rotation.from_rotvec(theta[:3]) * turn).as_rotvec()
        return smoothed.astype(theta.dtype)

    def _motions(self, before, now, after, shares, deviation):
        """Returns how pose, and the part that moves most, deviate from the neighbours, pixels."""
        theta = now.parameters
        shape = self._mean + np.tensordot(theta[6:], self._basis, 1)
        first, own, last = (_projected(shape, face.parameters) for face in (before, now, after))
        change = np.exp(theta[5]) * np.tensordot(deviation[6:], self._basis, 1)[:, :2]
        return (
            _root_mean_square(shares[0] * first + shares[1] * last - own),
            max(_root_mean_square(change[part]) for part in _PARTS),
        )


def _projected(shape, theta):
    """Projects points `(51, 3)` orthographically with the pose of θ, `(51, 2)`."""
    return np.exp(theta[5]) * Rotation.from_rotvec(theta[:3]).apply(shape)[:, :2] + theta[3:5]


def _deviation(before, now, after, shares):
    """Returns d of θ `(6 + D,)`; its rotation in the tangent space of `now`."""
    deviation = shares[0] * before + shares[1] * after - now
    own = Rotation.from_rotvec(now[:3]).inv()
    deviation[:3] = sum(
        share * (own * Rotation.from_rotvec(theta[:3])).as_rotvec()
        for share, theta in zip(shares, (before, after), strict=True)
    )
    return deviation


def _root_mean_square(points):
    return float(np.sqrt((points**2).sum(axis=-1).mean()))
