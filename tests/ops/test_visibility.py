import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.ops import mask_texture, self_occlusion_mask
from keras_3dmmstn.ops.visibility import more_of_square
from tests.support import naive
from tests.support.gradients import (
    assert_gradient_agrees_with_autodiff,
    assert_gradient_is_correct,
    gradients_of,
)

# Turned a little about every axis, and so far that much of a front is hidden.
TURNS = [(0.0, 0.0, 0.0), (0.5, -0.3, 0.2), (-0.2, 1.2, 0.4), (0.9, 0.8, -2.0)]


def plane(rows, columns):
    """Points (x, y, 0) of a grid that is upright and faces the viewer."""
    y, x = np.mgrid[:rows, :columns]
    return np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3).astype(float)


def strip(x, rows=3):
    """A grid whose columns lie at the given x: it faces away where x falls."""
    grid = np.zeros((rows, len(x), 3))
    grid[..., 0], grid[..., 1] = x, np.arange(rows)[:, None]
    return grid.reshape(-1, 3)


def mask_of(points, grid_shape):
    return self_occlusion_mask(tf.constant(points[None]), grid_shape)[0, :, :, 0].numpy()


def test_plane_that_faces_the_viewer_is_visible():
    np.testing.assert_array_equal(mask_of(plane(3, 4), (3, 4)), np.ones((3, 4)))


def test_plane_that_faces_away_is_hidden():
    turned_about_y = plane(3, 4) * [-1, 1, -1]
    np.testing.assert_array_equal(mask_of(turned_about_y, (3, 4)), np.zeros((3, 4)))


def test_plane_seen_from_its_edge_is_hidden():
    edge_on = plane(3, 4)[:, [2, 1, 0]]
    np.testing.assert_array_equal(mask_of(edge_on, (3, 4)), np.zeros((3, 4)))


@pytest.mark.parametrize("radii", [(1.0, 1.0, 1.0), (70.0, 100.0, 85.0)], ids=["sphere", "head"])
@pytest.mark.parametrize("turn", TURNS)
def test_mask_of_an_ellipsoid_is_that_of_its_normals(radii, turn):
    rows, columns = 31, 40
    # From pole to pole and, seen from above, 250 degrees around the front (−z).
    longitude = np.radians(np.linspace(-125, 125, columns))[None, :]
    latitude = np.radians(np.linspace(-75, 75, rows))[:, None]
    unit = np.stack(
        [
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude) + 0 * longitude,
            -np.cos(latitude) * np.cos(longitude),
        ],
        axis=-1,
    ).reshape(-1, 3)
    rotation = naive.rotation_matrix(turn)
    normals = unit / radii
    normals = normals / np.linalg.norm(normals, axis=-1, keepdims=True) @ rotation.T
    mask = mask_of(unit * radii @ rotation.T, (rows, columns)).ravel()

    # On the rim of the grid a normal is the mean over half of the surroundings: off by half a cell.
    clear = np.abs(normals[:, 2]) > 0.1
    np.testing.assert_array_equal(mask[clear], (normals[clear, 2] < 0).astype(float))
    assert 0.1 < mask.mean() < 0.9, "the case must have visible and hidden vertices"


@pytest.mark.parametrize("grid_shape", [(2, 2), (5, 3), (3, 7)])
def test_mask_of_a_crumpled_grid_is_that_of_its_triangles(grid_shape, rng):
    points = rng.normal(size=(grid_shape[0] * grid_shape[1], 3))
    np.testing.assert_array_equal(
        mask_of(points, grid_shape), naive.self_occlusion_mask(points, grid_shape)
    )


def test_columns_are_columns():
    # The last column is folded back behind the others.
    mask = mask_of(strip([0, 1, 2, 0.5], rows=3), (3, 4))
    np.testing.assert_array_equal(mask, [[1, 1, 0, 0]] * 3)


def test_rows_are_rows():
    folded = strip([0, 1, 2, 0.5], rows=3).reshape(3, 4, 3).swapaxes(0, 1)
    upright = folded[..., [1, 0, 2]].reshape(-1, 3)
    mask = mask_of(upright, (4, 3))
    np.testing.assert_array_equal(mask, np.transpose([[1, 1, 0, 0]] * 3))


def test_a_vertex_weighs_all_cells_around_it_by_their_area():
    # Column 1 belongs to a cell of width 2 that is seen, and to one of width ½ that is not ...
    np.testing.assert_array_equal(mask_of(strip([0, 2, 1.5]), (3, 3))[:, 1], [1, 1, 1])
    # ... or to one of width ½ that is seen, and to one of width 2 that is not.
    np.testing.assert_array_equal(mask_of(strip([0, 0.5, -1.5]), (3, 3))[:, 1], [0, 0, 0])


def test_depth_alone_does_not_hide():
    points = plane(3, 4)
    points[:, 2] = np.arange(12) ** 2
    np.testing.assert_array_equal(mask_of(points, (3, 4)), np.ones((3, 4)))


def test_translation_does_not_matter(rng):
    points = rng.normal(size=(12, 3))
    np.testing.assert_array_equal(mask_of(points, (3, 4)), mask_of(points + [5, -9, 2], (3, 4)))


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64])
def test_mask_is_binary_in_the_dtype_of_the_points(dtype, rng):
    mask = self_occlusion_mask(tf.constant(rng.normal(size=(2, 12, 3)), dtype), (3, 4))
    assert mask.dtype == dtype
    assert mask.shape == (2, 3, 4, 1)
    assert set(np.unique(mask)) == {0, 1}


def test_collapsed_and_undefined_meshes_are_hidden():
    np.testing.assert_array_equal(mask_of(np.zeros((12, 3)), (3, 4)), np.zeros((3, 4)))
    np.testing.assert_array_equal(mask_of(np.full((12, 3), np.nan), (3, 4)), np.zeros((3, 4)))


# The occlusion is a step function: the network does not learn from changes in it (sec. 2.3).
def test_gradient_is_zero_and_not_missing(rng):
    points = tf.constant(rng.normal(size=(2, 12, 3)))
    cotangent = tf.constant(rng.normal(size=(2, 3, 4, 1)))
    (gradient,) = gradients_of(
        lambda p: self_occlusion_mask(p, (3, 4)), points, cotangent=cotangent
    )
    np.testing.assert_array_equal(gradient, np.zeros((2, 12, 3)))


def test_masked_texture_is_that_of_the_paper(rng):
    texture, mask = rng.normal(size=(2, 3, 4, 3)), rng.integers(0, 2, (2, 3, 4)).astype(float)
    expected = [naive.mask_texture(v, m) for v, m in zip(texture, mask, strict=True)]
    masked = mask_texture(tf.constant(texture), tf.constant(mask[..., None]))
    np.testing.assert_array_equal(masked, expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_gradient_of_masked_texture(channels, rng):
    texture, mask = rng.normal(size=(2, 2, 3, channels)), rng.normal(size=(2, 2, 3, 1))
    mask[0, 0, 0], mask[0, 0, 1] = 0, 1
    assert_gradient_is_correct(mask_texture, texture, mask)
    assert_gradient_agrees_with_autodiff(mask_texture, tf.multiply, texture, mask, rng=rng)


def test_no_gradient_reaches_a_hidden_texel():
    texture, mask = tf.ones((1, 1, 2, 3)), tf.constant([[[[0.0], [1.0]]]])
    to_texture, _ = gradients_of(mask_texture, texture, mask)
    np.testing.assert_array_equal(to_texture, [[[[0, 0, 0], [1, 1, 1]]]])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize(("side", "share"), [(3, 0.4), (5, 0.5), (9, 0.5)])
def test_more_of_a_square_is_counted_exactly(side, share, dtype, rng):
    mask = rng.integers(0, 2, (2, 14, 11)).astype(dtype)
    more = more_of_square(tf.constant(mask), side, share).numpy()
    for face, row, column in np.ndindex(*mask.shape):
        top, left = max(0, row - side // 2), max(0, column - side // 2)
        square = mask[face, top : row + side // 2 + 1, left : column + side // 2 + 1]
        assert more[face, row, column] == (square.sum(dtype=float) > share * square.size)
