"""The part of a photograph that a face keeps, and sampling it."""

import numpy as np
import pytest

from keras_3dmmstn.inference.view.photograph_part import PhotographPart

POINTS = np.array([[20.3, 10.0], [30.0, 25.6]])


@pytest.fixture
def coordinates():
    """A photograph 60 high and 80 wide whose red is 3x and green is 4y."""
    y, x = np.mgrid[:60, :80]
    return np.stack([3 * x, 4 * y, np.full_like(x, 7)], axis=-1).astype(np.uint8)


def test_it_is_a_copy_of_what_is_around_the_points(coordinates):
    part = PhotographPart.around(coordinates, POINTS)
    assert part.corner.tolist() == [18, 8]
    np.testing.assert_array_equal(part.pixels, coordinates[8:29, 18:33])
    coordinates[:] = 0
    assert part.pixels.any()


def test_it_ends_where_the_photograph_ends(coordinates):
    part = PhotographPart.around(coordinates, np.array([[-9.0, -9.0], [200.0, 200.0]]))
    np.testing.assert_array_equal(part.pixels, coordinates)
    x, y = np.array([0.0, 79.0, 79.1, 5.0, -0.1]), np.array([0.0, 59.0, 5.0, 59.1, 5.0])
    assert part.contains(x, y).tolist() == [True, True, False, False, False]


def test_samples_are_between_pixels(coordinates):
    x, y = np.array([20.5, 29.25], np.float32), np.array([12.5, 24.0], np.float32)
    sampled = PhotographPart.around(coordinates, POINTS).sample(x, y, 1.0)
    # OpenCV knows places to 1/32 of a pixel, and levels are whole.
    np.testing.assert_allclose(sampled, np.stack([3 * x, 4 * y, [7, 7]], axis=1), atol=1)


def test_more_places_than_fit_in_a_row_keep_their_order(coordinates, rng):
    x = rng.uniform(20, 30, 5000).astype(np.float32)
    y = rng.uniform(10, 25, 5000).astype(np.float32)
    sampled = PhotographPart.around(coordinates, POINTS).sample(x, y, 1.0)
    np.testing.assert_allclose(sampled[:, 0], 3 * x, atol=1)
    np.testing.assert_allclose(sampled[:, 1], 4 * y, atol=1)


def test_wide_spacing_averages():
    stripes = np.zeros((60, 80, 3), np.uint8)
    stripes[:, ::2] = 200
    part = PhotographPart.around(stripes, np.array([[0.0, 0.0], [79.0, 59.0]]))
    x = np.arange(10, 70, 4, dtype=np.float32)
    np.testing.assert_array_equal(part.sample(x, np.full_like(x, 30), 4.0), 100)


def test_a_part_outside_the_photograph_has_no_pixels_and_is_black(coordinates):
    part = PhotographPart.around(coordinates, POINTS + 500)
    assert part.pixels.size == 0
    x, y = (POINTS + 500).T
    assert not part.contains(x, y).any()
    assert part.sample(x, y, 1.0).tolist() == [[0, 0, 0]] * 2
