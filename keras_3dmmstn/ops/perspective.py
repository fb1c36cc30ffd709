"""The perspective camera: the face's position in front of it, and the projection."""

import tensorflow as tf

#: Depth in millimetres below which 1/z is continued by its tangent. No camera focuses nearer.
NEAREST_DEPTH = 10.0


@tf.custom_gradient
def project_perspective(points, translation, focal_length, principal_point):
    """Projects 3D points to the image of a camera at the origin that looks along +z.

        Y = f w(p_z) p_xy + c,    p = X' + t,    w(z) = 1 / z

    Where z is less than n = `NEAREST_DEPTH`, near the camera or behind it, w is continued by its
    tangent (2 − z / n) / n. So w is positive and falls with z everywhere, and neither it nor its
    derivative has a jump: a point that passes the camera keeps moving outwards and does not flip.
    With G = ∂L/∂Y and d = max(z, n) both parts are w = (2 − z / d) / d, w' = −1 / d², and

        ∂L/∂X' = (f w G, −f ⟨G, p_xy⟩ / d²),      ∂L/∂t = Σ_points ∂L/∂X',
        ∂L/∂f  = Σ_points w ⟨G, p_xy⟩,            ∂L/∂c = Σ_points G.

    Args:
        points: `(..., points, 3)` float tensor X', millimetres.
        translation: `(..., 3)` float tensor t, from the camera to the points' origin, millimetres.
        focal_length: `(..., 1)` float tensor f, pixels.
        principal_point: `(..., 2)` float tensor c, pixels: where the optical axis meets the image.

    Returns:
        `(..., points, 2)` points in pixels, finite wherever the arguments are.

    Source:
        The camera that Bas et al. 2017, sec. 2.2, mention but do not use; Hartley & Zisserman 2004,
        "Multiple View Geometry", eq. (6.2).
    """
    placed = points + translation[..., None, :]
    sideways, depth = placed[..., :2], placed[..., 2:]
    focal = focal_length[..., None]
    nearness = 1 / tf.maximum(depth, tf.cast(NEAREST_DEPTH, depth.dtype))  # 1 / d
    weight = (2 - depth * nearness) * nearness

    def gradient(upstream):  # (..., points, 2) -> (..., points, 3), (..., 3), (..., 1), (..., 2)
        along = tf.reduce_sum(upstream * sideways, axis=-1, keepdims=True)  # ⟨G, p_xy⟩
        # In this order: d² alone is too large for float16.
        to_depth = -(focal * nearness) * (along * nearness)
        to_points = tf.concat([focal * weight * upstream, to_depth], axis=-1)
        return (
            to_points,
            tf.reduce_sum(to_points, axis=-2),
            tf.reduce_sum(weight * along, axis=-2),
            tf.reduce_sum(upstream, axis=-2),
        )

    return focal * weight * sideways + principal_point[..., None, :], gradient


@tf.custom_gradient
def translation_to_3d(translation, scale, focal_length, principal_point):
    """Converts a face's position and scale in the image to its position in front of the camera.

        t₃ = ((t − c) / s, f / s)

    There the face's origin appears at t, and one millimetre beside it as s pixels.
    `project_perspective` then maps a vertex X' to

        Y = (s X'_xy + t − c) / (1 + s X'_z / f) + c,

    which for f → ∞ is the paper's s P X' + t. With G = ∂L/∂t₃

        ∂L/∂t = G_xy / s,   ∂L/∂s = −⟨G, t₃⟩ / s,   ∂L/∂f = G_z / s,   ∂L/∂c = −G_xy / s.

    Args:
        translation: `(..., 2)` float tensor t, pixels.
        scale: `(..., 1)` float tensor s, pixels per millimetre.
        focal_length: `(..., 1)` float tensor f, pixels.
        principal_point: `(..., 2)` float tensor c, pixels.

    Returns:
        `(..., 3)` translation t₃ in millimetres.
    """
    offset = tf.concat([translation - principal_point, focal_length], axis=-1)
    placed = offset / scale

    def gradient(upstream):  # (..., 3) -> (..., 2), (..., 1), (..., 1), (..., 2)
        to_offset = upstream / scale
        to_scale = -tf.reduce_sum(to_offset * placed, axis=-1, keepdims=True)
        return to_offset[..., :2], to_scale, to_offset[..., 2:], -to_offset[..., :2]

    return placed, gradient
