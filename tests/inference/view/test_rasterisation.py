"""Meshes drawn by spans and a depth buffer, against a loop over pixels and triangles."""

import numpy as np
import pytest

from keras_3dmmstn.inference.view.rasterisation import rasterise

CORNER = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
FLAT = np.zeros(3)


def drawn_by_loops(points, depth, triangles, shape):
    """Returns the triangle that is nearest at each pixel's centre, −1 for none, and weights."""
    shown = np.full(shape, -1)
    weights = np.zeros((*shape, 3))
    nearest = np.full(shape, np.inf)
    for number, (i, j, k) in enumerate(triangles):
        matrix = np.array([*points[[i, j, k]].T, [1, 1, 1]])
        if abs(np.linalg.det(matrix)) < 1e-12:
            continue
        for row in range(shape[0]):
            for column in range(shape[1]):
                weight = np.linalg.solve(matrix, [column, row, 1])
                level = weight @ depth[[i, j, k]]
                if weight.min() >= 0 and level < nearest[row, column]:
                    nearest[row, column], shown[row, column] = level, number
                    weights[row, column] = weight
    return shown, weights


def picture_of(raster, shape):
    """Returns the triangle that each pixel shows, −1 for none."""
    picture = np.full(shape[0] * shape[1], -1)
    picture[raster.pixels] = raster.triangles
    return picture.reshape(shape)


@pytest.mark.parametrize("seed", range(4))
def test_random_triangles_are_drawn_as_by_loops(seed):
    rng = np.random.default_rng(seed)
    shape = (19, 23)
    points = rng.uniform(-6, 28, (14, 2))
    depth = rng.normal(size=14)
    triangles = rng.integers(0, 14, (12, 3))
    raster = rasterise(points, depth, triangles, shape)
    shown, weights = drawn_by_loops(points, depth, triangles, shape)
    np.testing.assert_array_equal(picture_of(raster, shape), shown)
    # float32, divided by areas of a few pixels and more.
    np.testing.assert_allclose(raster.weights.T, weights[shown >= 0], atol=1e-4)
    np.testing.assert_array_equal(raster.corners.T, triangles[shown[shown >= 0]])


def test_pixel_centres_are_at_integers_and_the_first_is_the_origin():
    raster = rasterise(CORNER, FLAT, np.array([[0, 1, 2]]), (5, 6))
    rows, columns = np.divmod(raster.pixels, 6)
    expected = [(row, column) for row in range(5) for column in range(6) if row + column <= 4]
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == expected
    x, y = raster.interpolate(CORNER.T)
    np.testing.assert_allclose(x, columns, atol=1e-5)
    np.testing.assert_allclose(y, rows, atol=1e-5)


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1]])
def test_both_sides_are_drawn(order):
    assert len(rasterise(CORNER, FLAT, np.array([order]), (5, 5)).pixels) == 15


def test_the_nearer_triangle_hides_the_farther_one_whatever_their_order():
    points = np.concatenate([CORNER, CORNER])
    for depth, shown in (([1, 1, 1, 0, 0, 0], 1), ([0, 0, 0, 1, 1, 1], 0)):
        raster = rasterise(points, np.array(depth), np.arange(6).reshape(2, 3), (5, 5))
        assert (raster.triangles == shown).all()


def test_between_triangles_that_share_an_edge_no_pixel_is_left_out(rng):
    count = 12
    grid = np.stack(np.meshgrid(np.linspace(-3, 43, count), np.linspace(-3, 43, count)), axis=-1)
    grid[1:-1, 1:-1] += rng.uniform(-1.5, 1.5, (count - 2, count - 2, 2))
    grid = np.where(rng.random(grid.shape) < 0.5, np.round(grid), grid)
    index = np.arange(count**2).reshape(count, count)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.stack([a, c, d, a, d, b], axis=-1).reshape(-1, 3)
    raster = rasterise(grid.reshape(-1, 2), np.zeros(count**2), triangles, (40, 40))
    assert len(raster.pixels) == 1600
    assert raster.weights.min() > -1e-4


def test_a_triangle_without_area_and_one_outside_show_nothing():
    line = np.array([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]])
    for points in (line, CORNER + 10, CORNER - 10):
        raster = rasterise(points, FLAT, np.array([[0, 1, 2]]), (5, 5))
        assert raster.pixels.shape == (0,) and raster.weights.shape == (3, 0)
