"""Meshes drawn into maps of texture coordinates and depth."""

import numpy as np
import pytest

from keras_3dmmstn.training.turning.triangle_map import triangle_map

SQUARE = np.array([[0, 2, 1], [1, 2, 3]])  # counter-clockwise: a b / c d, y down


def square(low, high):
    """The corners of a square: a b / c d."""
    return np.array([[low, low], [high, low], [low, high], [high, high]], float)


def draw(corners, depth, triangles=SQUARE, texture=None, behind=0, size=12, **options):
    texture = corners if texture is None else texture
    return triangle_map(
        corners, texture, np.asarray(depth, float), triangles, behind=behind, size=size, **options
    )


@pytest.mark.parametrize("supersampling", [1, 2])
def test_a_pixel_takes_its_colour_from_where_the_affine_map_says(supersampling):
    corners = square(0, 11)
    texture = corners @ [[0.5, 0.25], [-0.25, 2.0]] + [3, 1]
    drawn = draw(corners, [0, 0, 0, 0], texture=texture, supersampling=supersampling)
    pixel = (np.arange(12 * supersampling) + 0.5) / supersampling - 0.5
    x, y = np.meshgrid(pixel, pixel)
    inside = (x >= 0) & (x <= 11) & (y >= 0) & (y <= 11)
    expected = np.stack([x, y], axis=-1) @ [[0.5, 0.25], [-0.25, 2.0]] + [3, 1]
    np.testing.assert_allclose(
        np.stack(drawn.texture, axis=-1)[inside], expected[inside], atol=1e-4
    )


def test_depth_is_interpolated():
    drawn = draw(square(0, 10), [0, 20, 0, 20])
    np.testing.assert_allclose(drawn.depth[5, :11], 2 * np.arange(11), atol=1e-4)
    assert np.isinf(drawn.depth[5, 11]) and drawn.texture[0][5, 11] < -1e5


def test_the_nearer_surface_is_seen():
    corners = np.concatenate([square(0, 11), square(3, 8)])
    for near, far in ((1, 5), (5, 1)):
        drawn = draw(corners, [far] * 4 + [near] * 4, np.concatenate([SQUARE, SQUARE + 4]))
        assert drawn.depth[5, 5] == min(near, far) and drawn.depth[1, 1] == far


def test_what_lies_behind_is_hidden_whatever_its_depth():
    corners = np.concatenate([square(0, 11), square(3, 8)])
    drawn = draw(corners, [1] * 4 + [5] * 4, np.concatenate([SQUARE, SQUARE + 4]), behind=2)
    assert drawn.depth[5, 5] == 5 and drawn.depth[1, 1] == 1


def test_the_rear_side_is_drawn_only_of_what_lies_behind():
    reversed_square = SQUARE[:, ::-1]
    assert np.isinf(draw(square(0, 11), [0] * 4, reversed_square).depth).all()
    assert np.isfinite(draw(square(0, 11), [0] * 4, reversed_square, behind=2).depth).all()


def test_a_triangle_without_area_does_no_harm():
    triangles = np.concatenate([SQUARE, [[0, 0, 1]]])
    assert np.isfinite(draw(square(0, 11), [0] * 4, triangles).texture).all()


def test_depth_is_looked_up_in_pixels_of_the_picture():
    drawn = draw(square(2, 8), [0, 6, 0, 6], supersampling=3)
    found = drawn.depth_at(np.array([[4.0, 5.0], [10.0, 5.0], [-3.0, 5.0], [5.0, 40.0]]))
    np.testing.assert_allclose(found[0], 2, atol=0.2)
    assert np.isinf(found[1:]).all()


def test_on_an_edge_depth_within_reach_is_that_of_what_lies_behind():
    corners = np.concatenate([square(0, 11), square(3, 8)])
    drawn = draw(corners, [5] * 4 + [1] * 4, np.concatenate([SQUARE, SQUARE + 4]))
    places = np.array([[8.0, 5.0], [6.0, 5.0]])
    np.testing.assert_array_equal(drawn.depth_at(places), [1, 1])
    np.testing.assert_array_equal(drawn.depth_at(places, reach=1), [5, 1])
