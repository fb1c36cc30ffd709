"""Rotations of 3D points: from axis-angle vectors to matrices, and their application."""

import tensorflow as tf

# Below this θ² (rad²) a short Taylor series is more accurate than the quotients.
_SMALL_SQUARED_ANGLE = 1e-2
# In these types the square of an ordinary angle has few digits, and that of a large one overflows.
_HALF = (tf.float16, tf.bfloat16)
# As numbers: OpenVINO does not convert the operations of tf.eye.
_IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


@tf.custom_gradient
def axis_angle_to_matrix(axis_angle):
    """Converts axis-angle vectors r to rotation matrices R.

        R = I + a [r]× + b [r]×²,    a = sin θ / θ,    b = (1 − cos θ) / θ²

    with θ = |r|. The gradient is w − b (r × w) + c r × (r × w), where w is the
    axial vector of (∂L/∂R) Rᵀ and c = (θ − sin θ) / θ³; it needs no special case
    at θ = 0. It is the published [r (r·w) + (I − Rᵀ)(w × r)] / θ² with Rᵀ written out
    as I − a [r]× + b [r]×²; with [r]×² = r rᵀ − θ² I the division by θ² cancels.

    Args:
        axis_angle: `(..., 3)` float tensor, unit axis times angle in radians.

    Returns:
        `(..., 3, 3)` rotation matrices; they act on column vectors, right-handed.

    Source:
        Bas et al. 2017, sec. 2.2, "Axis-angle to rotation matrix layer". Gradient:
        Gallego & Yezzi 2015, eq. (9), rearranged.
    """
    dtype = axis_angle.dtype
    r = tf.cast(axis_angle, tf.float32 if dtype in _HALF else dtype)
    a, b, c = _rodrigues_coefficients(r)
    cross = _cross_matrix(r)
    rotation = (
        tf.constant(_IDENTITY, r.dtype) + a[..., None] * cross + b[..., None] * (cross @ cross)
    )

    def gradient(upstream):  # (..., 3, 3) -> (..., 3)
        w = _axial_vector(tf.matmul(tf.cast(upstream, r.dtype), rotation, transpose_b=True))
        r_cross_w = tf.linalg.cross(r, w)
        return tf.cast(w - b * r_cross_w + c * tf.linalg.cross(r, r_cross_w), dtype)

    return tf.cast(rotation, dtype), gradient


@tf.custom_gradient
def rotate_points(points, rotation):
    """Rotates points: X' = R X for each point as a column.

    With G = ∂L/∂X' the gradients are ∂L/∂X = Rᵀ G and ∂L/∂R = Σ_j G_j X_jᵀ.

    Args:
        points: `(..., points, 3)` float tensor.
        rotation: `(..., 3, 3)` matrices.

    Returns:
        `(..., points, 3)` rotated points, in the unit of `points`.

    Source:
        Bas et al. 2017, sec. 2.2, "3D rotation layer".
    """
    rotated = tf.matmul(points, rotation, transpose_b=True)  # points are rows here

    def gradient(upstream):  # (..., points, 3) -> (..., points, 3), (..., 3, 3)
        to_points = tf.matmul(upstream, rotation)
        to_rotation = tf.matmul(upstream, points, transpose_a=True)
        return to_points, to_rotation

    return rotated, gradient


def _rodrigues_coefficients(axis_angle):
    """Returns sin θ / θ, (1 − cos θ) / θ² and (θ − sin θ) / θ³, each `(..., 1)`."""
    x = tf.reduce_sum(axis_angle**2, axis=-1, keepdims=True)  # θ²
    small = x < _SMALL_SQUARED_ANGLE
    # The quotients are evaluated even where they are not selected: keep θ ≠ 0.
    safe_x = tf.where(small, tf.ones_like(x), x)
    angle = tf.sqrt(safe_x)

    a = tf.where(small, 1 - x / 6 * (1 - x / 20 * (1 - x / 42)), tf.sin(angle) / angle)
    b = tf.where(
        small,
        (1 - x / 12 * (1 - x / 30 * (1 - x / 56))) / 2,
        2 * (tf.sin(angle / 2) / angle) ** 2,  # 1 − cos θ loses digits, 2 sin²(θ/2) does not
    )
    c = tf.where(
        small,
        (1 - x / 20 * (1 - x / 42 * (1 - x / 72))) / 6,
        (angle - tf.sin(angle)) / (angle * safe_x),
    )
    return a, b, c


def _cross_matrix(v):
    """Returns [v]×, `(..., 3)` -> `(..., 3, 3)`, so that [v]× u = v × u."""
    x, y, z = tf.unstack(v, axis=-1)
    zero = tf.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)


def _axial_vector(m):
    """Returns w with w·u = ⟨m, [u]×⟩ for every u, `(..., 3, 3)` -> `(..., 3)`."""
    return tf.stack(
        [
            m[..., 2, 1] - m[..., 1, 2],
            m[..., 0, 2] - m[..., 2, 0],
            m[..., 1, 0] - m[..., 0, 1],
        ],
        axis=-1,
    )
