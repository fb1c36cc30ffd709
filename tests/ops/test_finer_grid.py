"""Values at the vertices of a grid, interpolated at the texels of a finer texture."""

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.mesh.finer_grid import interpolation_weights
from keras_3dmmstn.ops import refine_grid, refine_mask
from tests.support import naive
from tests.support.gradients import (
    assert_gradient_agrees_with_autodiff,
    assert_gradient_is_correct,
    gradients_of,
)

GRID = (3, 4)
# Steps of a half and of a quarter of a cell, which the weights hold exactly; and one that is not.
EXACT, OTHER = (5, 13), (8, 7)


def weights(texture, dtype=tf.float64):
    pairs = zip(texture, GRID, strict=True)
    return [tf.constant(interpolation_weights(*pair), dtype) for pair in pairs]


def test_it_agrees_with_plain_loops(rng):
    values = rng.normal(size=(2, *GRID, 3))
    finer = refine_grid(tf.constant(values), *weights(EXACT))
    expected = np.stack([naive.refine_grid(each, *EXACT) for each in values])
    np.testing.assert_allclose(finer, expected, atol=1e-14)


def test_rows_and_columns_are_not_mixed_up():
    # x grows along a row by 10 pixels a vertex, y down a column by 1.
    x, y = np.meshgrid(10.0 * np.arange(4), 1.0 * np.arange(3))
    finer = refine_grid(tf.constant(np.stack([x, y], axis=-1)[None]), *weights(EXACT))
    np.testing.assert_array_equal(finer[0, 0, :, 0], 2.5 * np.arange(13))
    np.testing.assert_array_equal(finer[0, :, 0, 1], 0.5 * np.arange(5))


@pytest.mark.parametrize("texture", [EXACT, OTHER, (2, 2), GRID])
def test_gradient(texture, rng):
    rows, columns = weights(texture)
    values = rng.normal(size=(2, *GRID, 2))
    assert_gradient_is_correct(lambda v: refine_grid(v, rows, columns), values)
    assert_gradient_agrees_with_autodiff(
        lambda v: refine_grid(v, rows, columns),
        lambda v: tf.einsum("rh,bhwc,kw->brkc", rows, v, columns),  # as in the docstring
        values,
        rng=rng,
    )


def test_single_precision_and_one_channel_agree_with_double(rng):
    # Products that are broadcast over the channels corrupt memory in TensorFlow 2.21.
    values = rng.normal(size=(3, *GRID, 1))
    finer = refine_grid(tf.constant(values, tf.float32), *weights((97, 113), tf.float32))
    expected = refine_grid(tf.constant(values), *weights((97, 113)))
    # Weights and two sums of two products, each rounded by 6e-8 of numbers up to 4.
    np.testing.assert_allclose(finer, expected, atol=2e-6)


def mask_of(rng):
    return rng.integers(0, 2, (2, *GRID, 1)).astype(float)


def test_a_place_is_visible_from_one_half_on(rng):
    mask = mask_of(rng)
    finer = refine_mask(tf.constant(mask), *weights(EXACT)).numpy()
    share = np.stack([naive.refine_grid(each, *EXACT) for each in mask])
    assert (share == 0.5).any(), "the case must have a tie"
    np.testing.assert_array_equal(finer, share >= 0.5)


def test_no_gradient_passes_the_mask(rng):
    rows, columns = weights(OTHER)
    mask = tf.constant(mask_of(rng))
    cotangent = tf.constant(rng.normal(size=(2, *OTHER, 1)))
    (gradient,) = gradients_of(lambda m: refine_mask(m, rows, columns), mask, cotangent=cotangent)
    np.testing.assert_array_equal(gradient, np.zeros((2, *GRID, 1)))
