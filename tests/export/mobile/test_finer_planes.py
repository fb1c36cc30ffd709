"""Interpolation in planes against the ops that it stands for."""

import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops
from keras_3dmmstn.export.mobile.finer_planes import finer_planes, finer_visibility
from keras_3dmmstn.mesh.finer_grid import interpolation_weights

GRID, TEXTURE = (5, 4), (9, 12)
WEIGHTS = [tf.constant(interpolation_weights(*pair)) for pair in zip(TEXTURE, GRID, strict=True)]


def test_planes_are_those_of_the_op(rng):
    planes = rng.uniform(0, 200, (2, 5, 4)).astype(np.float32)
    expected = ops.refine_grid(tf.constant(np.moveaxis(planes, 0, -1)[None]), *WEIGHTS)[0]
    received = finer_planes(tf.constant(planes.reshape(2, 20)), GRID, TEXTURE)
    assert received.shape == (2, 9 * 12)
    # Four products in another order: eps 6e-8 times 200 pixels, a few times.
    np.testing.assert_allclose(
        np.reshape(received, (2, *TEXTURE)), np.moveaxis(expected, -1, 0), atol=1e-4
    )


def test_the_mask_is_that_of_the_op(rng):
    mask = tf.constant(rng.integers(0, 2, (1, 5, 4, 1)), tf.float32)
    expected = ops.refine_mask(mask, *WEIGHTS)
    received = finer_visibility(tf.reshape(mask, (1, 20)), GRID, TEXTURE)
    np.testing.assert_array_equal(np.reshape(received, expected.shape), expected)
