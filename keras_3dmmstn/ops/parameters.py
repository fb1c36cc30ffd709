"""The parameter vector θ and its parts."""

import tensorflow as tf

#: How many of the first elements of θ are pose: r (3), t (2), log s (1).
POSE_SIZE = 6


@tf.custom_gradient
def split_parameters(parameters):
    """Splits θ = (r, t, log s, α) into its parts; the gradient concatenates theirs.

    Args:
        parameters: `(..., 6 + D)` float tensor θ.

    Returns:
        r `(..., 3)` axis-angle in radians, t `(..., 2)` in pixels, log s `(..., 1)` with s in
        pixels per millimetre, and α `(..., D)` in standard deviations.

    Source:
        Bas et al. 2017, eq. (1).
    """

    def gradient(*upstream):  # (..., 3), (..., 2), (..., 1), (..., D) -> (..., 6 + D)
        return tf.concat(upstream, axis=-1)

    r, t = parameters[..., :3], parameters[..., 3:5]
    log_scale, alpha = parameters[..., 5:6], parameters[..., POSE_SIZE:]
    return (r, t, log_scale, alpha), gradient
