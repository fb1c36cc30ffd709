import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.ops import points_to_grid, sample_bilinear
from tests.support import naive
from tests.support.gradients import (
    assert_gradient_agrees_with_autodiff,
    assert_gradient_is_correct,
    gradients_of,
)

HEIGHT, WIDTH = 4, 6

# (x, y) in an image of 4 rows and 6 columns, none of them on a kink.
PLACES = {
    "inside": (2.3, 1.6),
    "top left cell": (0.2, 0.7),
    "bottom right cell": (4.9, 2.1),
    "between last column and border": (5.4, 1.3),
    "between last row and border": (1.8, 3.7),
    "beyond the bottom right corner": (5.6, 3.2),
    "between border and first column": (-0.3, 1.2),
    "between border and first row": (3.1, -0.8),
    "just outside": (-1.4, 1.5),
    "far outside": (900.5, -700.5),
}


def image_of(rng, channels=3, batch=1):
    return rng.normal(size=(batch, HEIGHT, WIDTH, channels))


def plain_sampler(image, grid):
    """The paper's double sum over all pixels in plain TensorFlow, `(batch, points, 2)` grids."""
    height, width = image.shape[1:3]
    x, y = grid[:, :, 0, None], grid[:, :, 1, None]
    weight_x = tf.maximum(tf.zeros([], x.dtype), 1 - tf.abs(x - tf.range(width, dtype=x.dtype)))
    weight_y = tf.maximum(tf.zeros([], y.dtype), 1 - tf.abs(y - tf.range(height, dtype=y.dtype)))
    # b: batch, n: point, j: row, k: column, c: channel
    return tf.einsum("bjkc,bnj,bnk->bnc", image, weight_y, weight_x)


@pytest.mark.parametrize("place", PLACES)
def test_sample_is_the_double_sum_of_the_paper(place, rng):
    image = image_of(rng)
    sample = sample_bilinear(tf.constant(image), tf.constant([[PLACES[place]]], tf.float64))
    expected = naive.sample_bilinear(image[0], *PLACES[place])
    np.testing.assert_allclose(sample[0, 0], expected, atol=1e-14)


@pytest.mark.parametrize("y", [-1.0, 0.0, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("x", [-1.0, 0.0, 3.0, 5.0, 6.0])
def test_sample_at_integer_coordinates_is_the_double_sum_of_the_paper(x, y, rng):
    image = image_of(rng)
    sample = sample_bilinear(tf.constant(image), tf.constant([[[x, y]]], tf.float64))
    np.testing.assert_array_equal(sample[0, 0], naive.sample_bilinear(image[0], x, y))


def test_x_counts_columns_and_y_counts_rows(rng):
    image = image_of(rng)
    sample = sample_bilinear(tf.constant(image), tf.constant([[[5.0, 1.0]]], tf.float64))
    np.testing.assert_array_equal(sample[0, 0], image[0, 1, 5])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_identity_warp_returns_the_image_exactly(channels, rng):
    image = tf.constant(rng.uniform(0, 255, (2, HEIGHT, WIDTH, channels)), tf.float32)
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    grid = tf.constant([np.stack([x, y], axis=-1)] * 2, tf.float32)
    np.testing.assert_array_equal(sample_bilinear(image, grid), image)


def test_grid_need_not_be_square_nor_of_the_images_shape(rng):
    image = image_of(rng, batch=2)
    grid = np.stack([rng.uniform(-1, 6, (2, 5, 3)), rng.uniform(-1, 4, (2, 5, 3))], axis=-1)
    samples = sample_bilinear(tf.constant(image), tf.constant(grid))
    assert samples.shape == (2, 5, 3, 3)
    for batch, row, column in np.ndindex(2, 5, 3):
        expected = naive.sample_bilinear(image[batch], *grid[batch, row, column])
        np.testing.assert_allclose(samples[batch, row, column], expected, atol=1e-14)


@pytest.mark.parametrize(
    "grid_shape", [(2, 2), (2, 5, 2), (2, 2, 3, 4, 2)], ids=["point", "list", "volume"]
)
def test_grid_may_have_any_number_of_axes(grid_shape, rng):
    image, grid = tf.constant(image_of(rng, batch=2)), tf.constant(rng.uniform(0, 3, grid_shape))
    samples = sample_bilinear(image, grid)
    flat = sample_bilinear(image, tf.reshape(grid, (2, -1, 2)))
    np.testing.assert_array_equal(samples, tf.reshape(flat, (*grid_shape[:-1], 3)))


def test_image_of_one_pixel_can_be_sampled():
    samples = sample_bilinear(
        tf.constant([[[[8.0]]]]), tf.constant([[[0.0, 0.0], [0.5, 0.0], [-0.25, 0.0], [1.0, 0.0]]])
    )
    np.testing.assert_array_equal(samples[0, :, 0], [8, 4, 6, 0])


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1), (2, 2)], ids=str)
def test_small_images_are_sampled_and_differentiated_like_large_ones(shape, rng):
    image = rng.normal(size=(2, *shape, 3))
    grid = np.stack([rng.uniform(-2, size + 1, (2, 80)) for size in shape[::-1]], axis=-1)
    assert_gradient_agrees_with_autodiff(sample_bilinear, plain_sampler, image, grid, rng=rng)


@pytest.mark.parametrize("place", PLACES)
def test_gradient(place, rng):
    assert_gradient_is_correct(sample_bilinear, image_of(rng, channels=1), [[PLACES[place]]])


def test_gradient_in_colour(rng):
    assert_gradient_is_correct(sample_bilinear, image_of(rng), [[(2.3, 1.6), (5.4, 1.3)]])


@pytest.mark.parametrize("channels", [1, 3, 4, 5])  # few and many are summed in other ways
def test_gradient_agrees_with_autodiff(channels, rng):
    image = image_of(rng, channels, batch=2)
    grid = np.stack([rng.uniform(-2, 7, (2, 80)), rng.uniform(-2, 5, (2, 80))], axis=-1)
    assert_gradient_agrees_with_autodiff(sample_bilinear, plain_sampler, image, grid, rng=rng)


def test_samples_of_one_pixel_add_up_in_its_gradient(rng):
    image = tf.constant(image_of(rng))
    grid = tf.constant([[[2.0, 1.0], [2.25, 1.0], [1.5, 1.0], [2.0, 0.5]]], tf.float64)
    cotangent = tf.constant(rng.normal(size=(1, 4, 3)))
    to_image, _ = gradients_of(sample_bilinear, image, grid, cotangent=cotangent)
    expected = np.einsum("n,nc->c", [1.0, 0.75, 0.5, 0.5], cotangent[0])
    np.testing.assert_allclose(to_image[0, 1, 2], expected, atol=1e-15)


def test_gradient_to_an_image_stays_in_the_image(rng):
    image, grid = tf.constant(image_of(rng, batch=2)), [[[2.5, 1.5]], [[4.5, 0.5]]]
    to_image, _ = gradients_of(sample_bilinear, image, tf.constant(grid, tf.float64))
    touched = {tuple(index) for index in np.argwhere(to_image[..., 0]).tolist()}
    first = {(0, y, x) for y in (1, 2) for x in (2, 3)}
    second = {(1, y, x) for y in (0, 1) for x in (4, 5)}
    assert touched == first | second


# At a kink the derivative towards larger coordinates is returned: a pixel outside counts as 0.
@pytest.mark.parametrize("x", [-1, 0, 3, 5, 6])
def test_derivative_at_an_integer_x_is_that_towards_larger_x(x, rng):
    image = image_of(rng, channels=1)
    row = np.concatenate([[0], image[0, 2, :, 0], [0, 0]])  # x = −1, 0, ..., 5, 6, 7
    grid = tf.constant([[[x, 2]]], tf.float64)
    _, to_grid = gradients_of(sample_bilinear, tf.constant(image), grid)
    np.testing.assert_allclose(to_grid[0, 0, 0], row[x + 2] - row[x + 1], atol=1e-15)


@pytest.mark.parametrize("y", [-1, 0, 2, 3, 4])
def test_derivative_at_an_integer_y_is_that_towards_larger_y(y, rng):
    image = image_of(rng, channels=1)
    column = np.concatenate([[0], image[0, :, 4, 0], [0, 0]])  # y = −1, 0, ..., 3, 4, 5
    grid = tf.constant([[[4, y]]], tf.float64)
    _, to_grid = gradients_of(sample_bilinear, tf.constant(image), grid)
    np.testing.assert_allclose(to_grid[0, 0, 1], column[y + 2] - column[y + 1], atol=1e-15)


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64])
@pytest.mark.parametrize(
    "place",
    [
        *((np.nan, 1.5), (1.5, np.nan), (np.nan, np.nan), (np.inf, 1.5), (-np.inf, 1.5)),
        *((1.5, np.inf), (1.5, -np.inf), (np.inf, np.nan), (6e4, 1.5), (-6e4, 1.5)),
    ],
    ids=str,
)
def test_coordinates_that_are_not_finite_or_huge_are_outside(place, dtype, rng):
    image, grid = tf.constant(image_of(rng), dtype), tf.constant([[place, (2.5, 1.5)]], dtype)
    samples = sample_bilinear(image, grid)
    np.testing.assert_array_equal(samples[0, 0], [0, 0, 0])
    assert np.all(samples[0, 1] != 0), "the neighbour must not suffer"
    to_image, to_grid = gradients_of(sample_bilinear, image, grid)
    np.testing.assert_array_equal(to_grid[0, 0], [0, 0])
    assert np.all(to_grid[0, 1] != 0)
    assert np.isfinite(to_image).all()
    assert np.count_nonzero(to_image[..., 0]) == 4


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_coordinates_beyond_any_integer_are_outside(jit_compile, rng):
    image = tf.constant(image_of(rng), tf.float32)
    grid = tf.constant([[[3e9, 1.0], [-3e9, 1.0], [1.0, 1e30], [1.0, -1e30], [np.nan, 1.0]]])
    samples = tf.function(sample_bilinear, jit_compile=jit_compile)(image, grid)
    np.testing.assert_array_equal(samples, np.zeros((1, 5, 3)))


def test_sizes_of_the_image_may_be_unknown(rng):
    image, grid = image_of(rng, batch=2), rng.uniform(-1, 5, (2, 3, 2))
    free = tf.function(
        sample_bilinear,
        input_signature=[
            tf.TensorSpec([None, None, None, None], tf.float64),
            tf.TensorSpec([None, None, 2], tf.float64),
        ],
    )
    np.testing.assert_allclose(free(image, grid), sample_bilinear(image, grid), atol=1e-15)


def test_grid_is_filled_row_by_row(rng):
    points = rng.normal(size=(2, 6, 2))
    grid = points_to_grid(tf.constant(points), (2, 3))
    assert grid.shape == (2, 2, 3, 2)
    for row, column in np.ndindex(2, 3):
        np.testing.assert_array_equal(grid[:, row, column], points[:, 3 * row + column])


def test_gradient_of_the_grid(rng):
    assert_gradient_is_correct(lambda p: points_to_grid(p, (2, 3)), rng.normal(size=(2, 6, 2)))


def test_gradient_of_the_grid_returns_to_its_point():
    cotangent = tf.reshape(tf.range(6.0), (1, 2, 3, 1))
    (gradient,) = gradients_of(
        lambda p: points_to_grid(p, (2, 3)), tf.zeros((1, 6, 1)), cotangent=cotangent
    )
    np.testing.assert_array_equal(gradient[0, :, 0], np.arange(6))


def test_samples_are_not_larger_than_the_largest_pixel(rng):
    image = np.full((1, 40, 40, 3), 255, np.float32)
    grid = rng.uniform(1, 38, (1, 200, 200, 2)).astype(np.float32)
    samples = sample_bilinear(tf.constant(image), tf.constant(grid)).numpy()
    assert samples.max() == 255 and samples.min() > 254.999


def test_negative_pixels_fade_to_zero_at_the_border():
    samples = sample_bilinear(tf.fill((1, 3, 3, 1), -5.0), tf.constant([[[-0.5, 1.0]]]))
    np.testing.assert_allclose(samples, [[[-2.5]]])


def test_no_images_have_no_samples():
    empty = sample_bilinear(tf.zeros((0, 4, 4, 3)), tf.zeros((0, 5, 5, 2)))
    assert empty.shape == (0, 5, 5, 3)
