"""Gauss-Newton for face models under weak perspective: points s P R x(α) + t in photographs.

Everything takes one face or, with leading axes `...`, many at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_LARGEST_TURN = 0.3  # radians in a round
_LARGEST_GROWTH = 0.5  # of the logarithm of the scale in a round
# Added to the diagonal of the normal equations for the pose, which has no prior, so that they can
# be solved for any points. It slows steps down but does not change where they end.
_DAMPING = 1e-6


@dataclass(frozen=True)
class WeakPerspective:
    """The shape and pose of faces: x(α) lies at s P R x(α) + t, with P the first two rows of I.

    Attributes:
        rotation: `(..., 3, 3)` R.
        scale: `(...)` s, pixels per millimetre.
        shift: `(..., 2)` t, pixels.
        coefficients: `(..., modes)` α.
    """

    rotation: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    coefficients: np.ndarray

    def turned(self, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
        """Returns R x(α) `(..., L, 3)` for a mean `(L, 3)` and modes `(modes, L, 3)`."""
        shape = mean + np.tensordot(self.coefficients, basis, 1)
        return shape @ np.swapaxes(self.rotation, -1, -2)

    def projected(self, turned: np.ndarray) -> np.ndarray:
        """Returns s P X + t `(..., L, 2)` for turned points X `(..., L, 3)`."""
        return self.scale[..., None, None] * turned[..., :2] + self.shift[..., None, :]

    def moved(self, step: np.ndarray) -> "WeakPerspective":
        """Returns the faces after a step `(..., 6 + modes)` of `gauss_newton_step`."""
        return WeakPerspective(
            _rotations(step[..., :3]) @ self.rotation,
            self.scale * np.exp(step[..., 5]),
            self.shift + step[..., 3:5],
            self.coefficients + step[..., 6:],
        )


def gauss_newton(
    start: WeakPerspective,
    linearised: Callable[[WeakPerspective], tuple[np.ndarray, np.ndarray]],
    rounds: int,
) -> WeakPerspective:
    """Lowers |residual|² + |α|² over R, s, t and α.

    Args:
        start: the initial shape and pose.
        linearised: returns the residual `(..., values)`, in standard deviations, and its Jacobian
            `(..., values, 6 + modes)` at some shape and pose.
        rounds: number of steps.
    """
    faces = start
    for _ in range(rounds):
        residual, jacobian = linearised(faces)
        faces = faces.moved(gauss_newton_step(jacobian, residual, faces.coefficients))
    return faces


def first_pose(mean: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Returns an initial R, s and t, from the best affine map of a shape to points.

    Args:
        mean: `(L, 3)` the shape's points, millimetres.
        points: `(L, 2)` pixels.
    """
    centre, target = mean.mean(axis=0), points.mean(axis=0)
    affine = np.linalg.lstsq(mean - centre, points - target, rcond=None)[0].T
    lengths = np.linalg.norm(affine, axis=1)
    first = affine[0] / lengths[0]
    second = affine[1] - first * (affine[1] @ first)
    second /= np.linalg.norm(second)
    rotation = np.stack([first, second, np.cross(first, second)])
    if rotation[2, 2] < 0:  # the back of the head: the points are too flat to tell
        rotation = np.eye(3)
    scale = float(np.sqrt(lengths.prod()))
    return rotation, scale, target - scale * (rotation @ centre)[:2]


def turned_pose(
    mean: np.ndarray, points: np.ndarray, weights: np.ndarray, yaw: float, modes: int
) -> WeakPerspective:
    """Returns the pose that brings a shape, turned by a yaw, closest to points; α = 0.

    Args:
        mean: `(L, 3)` the shape's points, millimetres.
        points: `(faces, L, 2)` pixels.
        weights: `(faces, L)` how much each point counts.
        yaw: towards image-right, radians.
        modes: number of coefficients.
    """
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    model = (mean @ turn.T)[:, :2]
    share = weights / weights.sum(axis=1, keepdims=True)
    model_centre, centre = share @ model, np.einsum("bl,bli->bi", share, points)
    # In complex numbers, a similarity of the plane is one factor.
    source = (model - model_centre[:, None]) @ [1, 1j]
    target = (points - centre[:, None]) @ [1, 1j]
    factor = (share * source.conj() * target).sum(1) / (share * abs(source) ** 2).sum(1)
    scale = np.maximum(abs(factor), 1e-6)
    c, s = factor.real / scale, factor.imag / scale
    zero, one = np.zeros_like(c), np.ones_like(c)
    roll = np.stack([c, -s, zero, s, c, zero, zero, zero, one], axis=1).reshape(-1, 3, 3)
    shift = centre - scale[:, None] * np.einsum("bij,bj->bi", roll[:, :2, :2], model_centre)
    return WeakPerspective(roll @ turn, scale, shift, np.zeros((len(points), modes)))


def yaw_jacobian(rotation: np.ndarray, modes: int) -> np.ndarray:
    """Returns ∂yaw/∂(turn about x, y, z; t; log s; α), `(..., 6 + modes)`.

    With d = R e₃, yaw = atan2(−d₁, d₃); a turn by ω takes d to d + ω × d.

    Args:
        rotation: `(..., 3, 3)` R; the turn comes after it.
        modes: number of coefficients.
    """
    x, y, z = np.moveaxis(rotation[..., :, 2], -1, 0)
    jacobian = np.zeros((*rotation.shape[:-2], 6 + modes))
    level = np.maximum(x**2 + z**2, 1e-12)
    jacobian[..., 0], jacobian[..., 1], jacobian[..., 2] = x * y / level, -1.0, z * y / level
    return jacobian


def projection_jacobian(
    turned: np.ndarray, basis: np.ndarray, rotation: np.ndarray, scale: np.ndarray | float
) -> np.ndarray:
    """Returns ∂(s P R x(α) + t)/∂(turn about x, y, z; t; log s; α), `(..., L, 2, 6 + modes)`.

    Args:
        turned: `(..., L, 3)` the points R x(α), millimetres.
        basis: `(modes, L, 3)`.
        rotation: `(..., 3, 3)` R; a turn comes after it.
        scale: `(...)` s, pixels per millimetre.
    """
    scale = np.asarray(scale)[..., None, None]
    scaled = scale * turned
    jacobian = np.zeros((*turned.shape[:-1], 2, 6 + len(basis)))
    x, y, z = np.moveaxis(scaled, -1, 0)
    jacobian[..., 0, 1], jacobian[..., 0, 2] = z, -y
    jacobian[..., 1, 0], jacobian[..., 1, 2] = -z, x
    jacobian[..., 0, 3] = jacobian[..., 1, 4] = 1
    jacobian[..., 5] = scaled[..., :2]
    to_image = np.swapaxes(scale * rotation[..., :2, :], -1, -2)  # (..., 3, 2): of a mm in pixels
    jacobian[..., 6:] = np.moveaxis(basis @ to_image[..., None, :, :], -3, -1)
    return jacobian


def gauss_newton_step(jacobian: np.ndarray, residual: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns the step `(..., 6 + modes)` that lowers |residual|² + |α|²; its turn is limited.

    Args:
        jacobian: `(..., values, 6 + modes)` of the residual.
        residual: `(..., values)`, in standard deviations.
        alpha: `(..., modes)` α.
    """
    prior = np.concatenate([np.full(6, _DAMPING), np.ones(alpha.shape[-1])])
    transposed = np.swapaxes(jacobian, -1, -2)
    hessian = transposed @ jacobian + np.diag(prior)
    gradient = (transposed @ residual[..., None])[..., 0]
    gradient[..., 6:] += alpha
    # The columns differ in unit by powers of ten: solve with ones on the diagonal.
    size = np.sqrt(np.einsum("...ii->...i", hessian))
    hessian = hessian / size[..., :, None] / size[..., None, :] + 1e-9 * np.eye(len(prior))
    step = -np.linalg.solve(hessian, (gradient / size)[..., None])[..., 0] / size
    turn = np.linalg.norm(step[..., :3], axis=-1, keepdims=True)
    step[..., :3] *= np.minimum(1, _LARGEST_TURN / np.maximum(turn, 1e-12))
    step[..., 5] = np.clip(step[..., 5], -_LARGEST_GROWTH, _LARGEST_GROWTH)
    return step


def _rotations(axis_angle):
    """Returns the rotation matrices `(..., 3, 3)` of axis-angle vectors `(..., 3)`."""
    angle = np.maximum(np.linalg.norm(axis_angle, axis=-1), 1e-12)[..., None, None]
    x, y, z = np.moveaxis(axis_angle / angle[..., 0], -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
    cross = cross.reshape(*axis_angle.shape[:-1], 3, 3)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
