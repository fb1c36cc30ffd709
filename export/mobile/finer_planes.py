"""Planes over a face model's grid, interpolated at the texels of a larger texture, on a phone."""

import numpy as np
import tensorflow as tf

from keras_3dmmstn.mesh.finer_grid import interpolation_weights


def finer_planes(planes, grid_shape, texture_shape):
    """Returns `ops.refine_grid` of planes `(count, H'·W')`, flat `(count, rows·columns)`.

    It consists of two matrix products, which every delegate supports.
    """
    (height, width), (rows, columns) = grid_shape, texture_shape
    row_weights, column_weights = (
        np.ascontiguousarray(interpolation_weights(*pair).T)
        for pair in zip(texture_shape, grid_shape, strict=True)
    )
    count = planes.shape[0]
    finer = tf.matmul(tf.reshape(planes, (count * height, width)), tf.constant(column_weights))
    finer = tf.transpose(tf.reshape(finer, (count, height, columns)), (0, 2, 1))
    finer = tf.matmul(tf.reshape(finer, (count * columns, height)), tf.constant(row_weights))
    finer = tf.transpose(tf.reshape(finer, (count, columns, rows)), (0, 2, 1))
    return tf.reshape(finer, (count, rows * columns))


def finer_visibility(visible, grid_shape, texture_shape):
    """Returns `ops.refine_mask` of a flat mask `(1, H'·W')`, flat `(1, rows·columns)`."""
    # Not a comparison: the sampler has FLOOR as well, so a delegate needs no further operator.
    return tf.floor(finer_planes(visible, grid_shape, texture_shape) + 0.5)
