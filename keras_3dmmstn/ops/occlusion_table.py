"""Self-occlusion looked up in a table over view directions."""

import math

import tensorflow as tf

from keras_3dmmstn.ops.sampling import points_to_grid
from keras_3dmmstn.ops.visibility import faces_the_viewer


def self_occlusion_mask_by_table(points, rotation, grid_shape, table):
    """Marks the vertices that face the viewer and that a table does not list as occluded.

    Under orthographic projection, occlusion depends only on the direction towards the viewer, in
    the frame of the model d = Rᵀ (0, 0, −1)ᵀ, not on the roll about it. The table lists the
    vertices of one face, usually the mean, that another part of that face hides, for directions

        d = (cos φ sin λ, sin φ, −cos φ cos λ),

    φ from −90° to 90° along its rows and λ from −180° to 180° along its columns; the nearest
    direction is looked up. Which vertices face the viewer is computed from `points`, so that the
    contour is that of the actual face in the actual direction.

    The mask is constant almost everywhere, so its gradients are zero.

    Args:
        points: `(batch, H'·W', 3)` float tensor, rotated vertices X' (row-major grid).
        rotation: `(batch, 3, 3)` matrices R, of the dtype of `points`.
        grid_shape: (H', W'), two integers.
        table: `(rows, columns, ⌈H'·W' / 8⌉)` uint8 tensor, one bit per vertex, the lowest bit
            first, 1 occluded; see `mesh.occlusion_table`.

    Returns:
        `(batch, H', W', 1)` mask in the dtype of `points`, 1 visible, 0 hidden.

    Source:
        Bas et al. 2017, sec. 2.3, "Self-occlusions": "precomputed and stored in a lookup table".
    """
    return _faces_the_viewer_and_is_free(points_to_grid(points, grid_shape), rotation, table)


@tf.custom_gradient
def _faces_the_viewer_and_is_free(grid, rotation, table):
    """Returns the visibility of grid vertices, `(batch, H', W', 3)` -> `(batch, H', W', 1)`."""
    rows, columns, size = table.shape
    entry = _nearest_entry(rotation, rows, columns)
    packed = tf.gather(tf.reshape(table, (rows * columns, size)), entry)
    bits = tf.cast(packed, tf.int32)[..., None] // tf.constant([2**bit for bit in range(8)]) % 2
    height, width = grid.shape[1:3]
    occluded = tf.reshape(bits, (-1, size * 8))[:, : height * width]
    free = 1 - tf.cast(tf.reshape(occluded, (-1, height, width, 1)), grid.dtype)

    def gradient(upstream):  # (batch, H', W', 1) -> (batch, H', W', 3), (batch, 3, 3), table
        del upstream
        return tf.zeros_like(grid), tf.zeros_like(rotation), None

    return faces_the_viewer(grid) * free, gradient


def _nearest_entry(rotation, rows, columns):
    """Returns the indices of the table's entries for matrices `(batch, 3, 3)`, int32 `(batch,)`."""
    x, y, z = tf.unstack(-rotation[:, 2], axis=-1)
    latitude = tf.atan2(y, tf.sqrt(x**2 + z**2))
    longitude = tf.atan2(x, -z)
    row = tf.round((latitude / math.pi + 0.5) * (rows - 1))
    column = tf.round((longitude / (2 * math.pi) + 0.5) * (columns - 1))
    entry = tf.cast(row, tf.int32) * columns + tf.cast(column, tf.int32)
    return tf.clip_by_value(entry, 0, rows * columns - 1)  # for nan
