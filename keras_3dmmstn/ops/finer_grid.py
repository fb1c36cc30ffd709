"""Interpolates values at the vertices of a grid at the texels of a finer texture."""

import tensorflow as tf


@tf.custom_gradient
def refine_grid(values, row_weights, column_weights):
    """Interpolates values at the vertices of a grid bilinearly.

        F = A V Bᵀ,    ∂L/∂V = Aᵀ G B

    for each channel, with G = ∂L/∂F. The weights A and B are constants. Each of their rows has two
    entries that are not 0, for the two rows or columns of the grid between which a texel lies.

    Args:
        values: `(batch, H', W', channels)` float tensor V, such as the positions of the vertices.
        row_weights: `(rows, H')` tensor A of the dtype of `values`.
        column_weights: `(columns, W')` tensor B of the dtype of `values`.

    Returns:
        `(batch, rows, columns, channels)` tensor F.

    Source:
        Beyond the paper, whose texture has one texel per vertex (sec. 2.3, "Output grid").
    """

    def gradient(upstream):  # (batch, rows, columns, channels) -> (batch, H', W', channels)
        transposed = tf.transpose(row_weights), tf.transpose(column_weights)
        return _weighted(upstream, *transposed), None, None

    return _weighted(values, row_weights, column_weights), gradient


@tf.custom_gradient
def refine_mask(mask, row_weights, column_weights):
    """Interpolates a mask at the vertices of a grid: 1 where it is at least one half, else 0.

    It is constant almost everywhere, so the gradient is zero, like that of the mask itself.

    Args:
        mask: `(batch, H', W', 1)` float tensor, 1 visible, 0 hidden.
        row_weights, column_weights: as for `refine_grid`.

    Returns:
        `(batch, rows, columns, 1)` mask in the dtype of `mask`.
    """

    def gradient(upstream):  # (batch, rows, columns, 1) -> (batch, H', W', 1)
        del upstream
        return tf.zeros_like(mask), None, None

    return tf.cast(_weighted(mask, row_weights, column_weights) >= 0.5, mask.dtype), gradient


def _weighted(values, row_weights, column_weights):
    """Returns A V Bᵀ of each channel, `(batch, rows, columns, channels)`.

    It uses products of two matrices: a batch of products broadcast along an axis of length one
    corrupts memory in TensorFlow 2.21 with oneDNN (tensorflow/tensorflow#117700).
    """
    finer = tf.tensordot(values, column_weights, [[2], [1]])  # batch, H', channels, columns
    finer = tf.tensordot(row_weights, finer, [[1], [1]])  # rows, batch, channels, columns
    return tf.transpose(finer, (1, 0, 3, 2))
