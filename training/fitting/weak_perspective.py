"""Gauss-Newton for a face model under weak perspective: points s P R x(α) + t in a photograph."""

import numpy as np

_LARGEST_TURN = 0.3  # radians in a round


def first_pose(mean: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Returns R, s and t to begin with, from the best affine map of a shape to points.

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


def projection_jacobian(
    turned: np.ndarray, basis: np.ndarray, rotation: np.ndarray, scale: float
) -> np.ndarray:
    """Returns ∂(s P R x(α) + t)/∂(turn about x, y, z; t; log s; α), `(L, 2, 6 + modes)`.

    Args:
        turned: `(L, 3)` the points R x(α), millimetres.
        basis: `(modes, L, 3)`.
        rotation: `(3, 3)` R; a turn comes after it.
        scale: s, pixels per millimetre.
    """
    x, y, z = turned.T
    jacobian = np.zeros((len(turned), 2, 6 + len(basis)))
    jacobian[:, 0, 1], jacobian[:, 0, 2] = scale * z, -scale * y
    jacobian[:, 1, 0], jacobian[:, 1, 2] = -scale * z, scale * x
    jacobian[:, 0, 3] = jacobian[:, 1, 4] = 1
    jacobian[:, :, 5] = scale * turned[:, :2]
    jacobian[:, :, 6:] = scale * (basis @ rotation[:2].T).transpose(1, 2, 0)
    return jacobian


def gauss_newton_step(jacobian: np.ndarray, residual: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns the step `(6 + modes,)` that lowers |residual|² + |α|², its turn limited.

    Args:
        jacobian: `(values, 6 + modes)` of the residual.
        residual: `(values,)`, in standard deviations.
        alpha: `(modes,)` α.
    """
    prior = np.concatenate([np.zeros(6), np.ones(len(alpha))])
    hessian = jacobian.T @ jacobian + np.diag(prior)
    hessian += 1e-9 * np.diag(np.diag(hessian))
    gradient = jacobian.T @ residual + np.concatenate([np.zeros(6), alpha])
    step = -np.linalg.solve(hessian, gradient)
    return step * min(1.0, _LARGEST_TURN / max(np.linalg.norm(step[:3]), 1e-12))
