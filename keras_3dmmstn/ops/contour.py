"""The apparent contour: selects the point that lies furthest outward in the image."""

import tensorflow as tf


def outermost(candidates, directions):
    """Returns the index of each line's candidate that lies furthest in the line's direction.

        k* = argmax_k ⟨d, Y_k⟩

    Args:
        candidates: `(..., lines, K, 2)` float tensor Y, pixels.
        directions: `(..., lines, 2)` float tensor d, of any length.

    Returns:
        `(..., lines)` int32 tensor; of equal candidates, the first.
    """
    distance = tf.reduce_sum(candidates * directions[..., None, :], axis=-1)
    return tf.argmax(distance, axis=-1, output_type=tf.int32)


@tf.custom_gradient
def select_outermost(candidates, directions):
    """Selects the candidate of each line that lies furthest in the line's direction.

        L = Y_{k*},   k* = argmax_k ⟨d, Y_k⟩

    The choice is constant almost everywhere, so ∂L/∂Y_k is the identity for k = k* and 0
    otherwise, and no gradient flows to d. If two candidates lie equally far, the first is selected,
    and with it one side of the kink.

    Args:
        candidates: `(..., lines, K, 2)` float tensor Y, pixels.
        directions: `(..., lines, 2)` float tensor d, of any length.

    Returns:
        `(..., lines, 2)` tensor.

    Source:
        The selection of Bas et al. 2017, sec. 3.3, eq. (4), with the landmark marching of Zhu et
        al. 2015, "High-fidelity pose and expression normalization".
    """
    # Not a gather with batch dimensions: this form runs everywhere, even on mobile GPUs.
    chosen = tf.one_hot(
        outermost(candidates, directions), candidates.shape[-2], dtype=candidates.dtype
    )[..., None]

    def gradient(upstream):  # (..., lines, 2) -> (..., lines, K, 2), (..., lines, 2)
        return upstream[..., None, :] * chosen, tf.zeros_like(directions)

    return tf.reduce_sum(candidates * chosen, axis=-2), gradient
