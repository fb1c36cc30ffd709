import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.layers import BilinearSampler
from tests.support import naive
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    image, grid = rng.uniform(0, 255, (2, 5, 7, 3)), rng.uniform(-1, 7, (2, 3, 4, 2))
    assert_keeps_layer_contract(
        BilinearSampler(), image, grid, output_shape=(2, 3, 4, 3), folder=tmp_path
    )


def test_each_image_is_sampled_at_its_own_grid(rng):
    image, grid = rng.uniform(0, 1, (2, 5, 7, 3)), rng.uniform(-1, 7, (2, 1, 4, 2))
    texture = BilinearSampler()(image, grid)
    for batch, column in np.ndindex(2, 4):
        expected = naive.sample_bilinear(image[batch], *grid[batch, 0, column])
        np.testing.assert_allclose(texture[batch, 0, column], expected, atol=1e-5)


def test_gradient_reaches_image_and_grid(rng):
    image = tf.constant(rng.uniform(0, 255, (1, 5, 7, 3)), tf.float32)
    grid = tf.constant([[[[2.5, 1.5]]]])
    with tf.GradientTape() as tape:
        tape.watch([image, grid])
        texture = BilinearSampler()(image, grid)
    to_image, to_grid = tape.gradient(texture, [image, grid])
    assert np.count_nonzero(to_image) == 4 * 3
    assert np.all(to_grid != 0)


@pytest.mark.parametrize(
    ("image_shape", "grid_shape"),
    [((2, 5, 7), (2, 3, 4, 2)), ((2, 5, 7, 3), (2, 12, 2)), ((2, 5, 7, 3), (2, 3, 4, 3))],
)
def test_rejects_shapes_that_do_not_fit(image_shape, grid_shape):
    with pytest.raises(ValueError, match=r"BilinearSampler expects .* received shapes"):
        BilinearSampler()(np.zeros(image_shape), np.zeros(grid_shape))
