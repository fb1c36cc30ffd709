"""The scaled orthographic camera: projection, scale, translation, and landmark selection."""

import tensorflow as tf


@tf.custom_gradient
def project_orthographic(points):
    """Projects 3D points along z: Y = P X' with P the first two rows of the identity.

    The gradient passes through to x and y and is 0 for z.

    Args:
        points: `(..., points, 3)` float tensor.

    Returns:
        `(..., points, 2)` tensor, x and y of each point in the unit of `points`.

    Source:
        Bas et al. 2017, sec. 2.2, "Orthographic projection layer".
    """

    def gradient(upstream):  # (..., points, 2) -> (..., points, 3)
        # As planes, in which the zeros are one row, not one number after every second.
        planes = tf.pad(tf.transpose(tf.reshape(upstream, (-1, 2))), [(0, 1), (0, 0)])
        return tf.reshape(tf.transpose(planes), tf.shape(points))

    return points[..., :2], gradient


@tf.custom_gradient
def log_scale_to_scale(log_scale):
    """Converts a log scale to an always positive scale: s = exp(log s), ∂s/∂log s = s.

    Args:
        log_scale: `(..., 1)` float tensor.

    Returns:
        `(..., 1)` scale, in pixels per millimetre.

    Source:
        Bas et al. 2017, sec. 2.2, "Scaling".
    """
    scale = tf.exp(log_scale)

    def gradient(upstream):  # (..., 1) -> (..., 1)
        return upstream * scale

    return scale, gradient


@tf.custom_gradient
def scale_points(points, scale):
    """Scales 2D points: Y' = s Y, so ∂L/∂Y = s G and ∂L/∂s = ⟨G, Y⟩ with G = ∂L/∂Y'.

    Args:
        points: `(..., points, 2)` float tensor, millimetres.
        scale: `(..., 1)` float tensor, pixels per millimetre.

    Returns:
        `(..., points, 2)` points in pixels.

    Source:
        Bas et al. 2017, sec. 2.2, "Scaling".
    """
    factor = scale[..., None]

    def gradient(upstream):  # (..., points, 2) -> (..., points, 2), (..., 1)
        to_scale = tf.reduce_sum(upstream * points, axis=(-2, -1))
        return upstream * factor, to_scale[..., None]

    return points * factor, gradient


@tf.custom_gradient
def translate_points(points, translation):
    """Moves 2D points: Y'' = Y' + t, so ∂L/∂Y' = G and ∂L/∂t = Σ_points G with G = ∂L/∂Y''.

    Args:
        points: `(..., points, 2)` float tensor, pixels.
        translation: `(..., 2)` float tensor, pixels.

    Returns:
        `(..., points, 2)` points in pixels.

    Source:
        Bas et al. 2017, sec. 2.2, "Translation".
    """

    def gradient(upstream):  # (..., points, 2) -> (..., points, 2), (..., 2)
        return upstream, tf.reduce_sum(upstream, axis=-2)

    return points + translation[..., None, :], gradient


@tf.custom_gradient
def select_points(points, indices):
    """Selects L of N points: L = Y'' S with a 0/1 selection matrix S, so ∂L/∂Y'' = G Sᵀ.

    A point that is selected twice receives both gradients.

    Args:
        points: `(batch, points, dimensions)` float tensor.
        indices: `(landmarks,)` integer tensor, the point of each landmark.

    Returns:
        `(batch, landmarks, dimensions)` tensor.

    Source:
        Bas et al. 2017, sec. 3.3, eq. (4).
    """
    selected = tf.gather(points, indices, axis=1)

    def gradient(upstream):  # (batch, landmarks, dimensions) -> (batch, points, dimensions)
        landmarks_first = tf.transpose(upstream, (1, 0, 2))
        points_first = tf.math.unsorted_segment_sum(landmarks_first, indices, tf.shape(points)[1])
        return tf.transpose(points_first, (1, 0, 2)), None

    return selected, gradient
