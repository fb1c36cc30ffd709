import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.layers import SelfOcclusionMask
from tests.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    points = rng.normal(size=(2, 12, 3))
    assert_keeps_layer_contract(
        SelfOcclusionMask((3, 4)), points, output_shape=(2, 3, 4, 1), folder=tmp_path
    )


def test_each_example_has_its_own_mask():
    plane = np.array([[x, y, 0.0] for y in range(2) for x in range(3)])
    mask = SelfOcclusionMask((2, 3))(np.stack([plane, plane * [-1, 1, 1]]))
    np.testing.assert_array_equal(mask, np.stack([np.ones((2, 3, 1)), np.zeros((2, 3, 1))]))


def test_gradient_is_zero_and_not_missing(rng):
    points = tf.constant(rng.normal(size=(1, 6, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(points)
        mask = SelfOcclusionMask((2, 3))(points)
    np.testing.assert_array_equal(tape.gradient(mask, points), np.zeros((1, 6, 3)))


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 6, 2), (2, 6)])
def test_rejects_points_that_are_not_the_grids(shape):
    with pytest.raises(ValueError, match=r"\(batch, 6, 3\) for its 2 x 3 grid, received shape"):
        SelfOcclusionMask((2, 3))(np.zeros(shape))
