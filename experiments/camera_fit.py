"""A face model seen by an orthographic or a perspective camera, and its fit to image points."""

import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops

SIZE = 224  # of the image, pixels
MIDDLE = (SIZE - 1) / 2
ROUNDS = 25


def cast(*arrays):
    """Returns arrays as float64 tensors."""
    return [tf.constant(np.asarray(array, np.float64)) for array in arrays]


def camera(theta, mean, basis, focal_length):
    """Projects vertices `(N, 3)` of a model with θ `(6 + D,)`; focal length in pixels, or None."""
    r, t, log_scale, alpha = ops.split_parameters(theta)
    vertices = ops.shape_from_coefficients(alpha[None], mean, basis)
    rotated = ops.rotate_points(vertices, ops.axis_angle_to_matrix(r[None]))
    scale = ops.log_scale_to_scale(log_scale[None])
    if focal_length is None:
        scaled = ops.scale_points(ops.project_orthographic(rotated), scale)
        return ops.translate_points(scaled, t[None])[0], rotated[0]
    lens = tf.reshape(tf.cast(focal_length, tf.float64), (1, 1)), *cast([[MIDDLE, MIDDLE]])
    place = ops.translation_to_3d(t[None], scale, *lens)
    return ops.project_perspective(rotated, place, *lens)[0], rotated[0]


@tf.function
def _residual_and_jacobian(theta, mean, basis, focal_length, orthographic):
    """Returns points `(L, 2)` and their derivative `(L, 2, 6 + D)`, by the ops' own gradients."""
    with tf.GradientTape() as tape:
        tape.watch(theta)
        points, _ = camera(theta, mean, basis, None if orthographic else focal_length)
    return points, tape.jacobian(points, theta)


def fit(points, mean, basis, focal_length, start):
    """Fits θ to image points `(L, 2)` by damped Gauss-Newton, with the prior |α|²."""
    theta, (mean, basis) = start.copy(), cast(mean, basis)
    prior = np.concatenate([np.zeros(6), np.ones(len(start) - 6)])
    orthographic = focal_length is None
    focal = tf.constant(0.0 if orthographic else focal_length, tf.float64)

    def linearised(theta):
        predicted, jacobian = _residual_and_jacobian(
            tf.constant(theta), mean, basis, focal, orthographic
        )
        residual = (predicted.numpy() - points).ravel()
        cost = residual @ residual + prior @ theta**2
        return residual, jacobian.numpy().reshape(residual.size, -1), cost

    residual, jacobian, cost = linearised(theta)
    damping = 1e-3
    for _ in range(ROUNDS):
        hessian = jacobian.T @ jacobian + np.diag(prior)
        gradient = jacobian.T @ residual + prior * theta
        step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), -gradient)
        new = linearised(theta + step)
        if new[2] < cost:
            theta, (residual, jacobian, cost), damping = theta + step, new, damping / 10
        else:
            damping *= 10
    return theta
