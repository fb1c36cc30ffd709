"""From a landmark box to the square crop, and back."""

import numpy as np

from keras_3dmmstn.network import framing


def test_square_is_centred_on_the_box_and_as_large_as_its_larger_side_asks():
    assert framing.crop_square(np.array([10, 20, 30, 60])) == (20, 40, 1.7 * 40)


def test_edges_of_the_square_become_edges_of_the_crop():
    box = np.array([10.0, 20.0, 30.0, 60.0])
    x, y, side = framing.crop_square(box)
    matrix = framing.crop_matrix(box, 112)
    edges = np.array([[x - side / 2, y - side / 2], [x + side / 2, y + side / 2]])
    expected = [[-0.5, -0.5], [111.5, 111.5]]
    np.testing.assert_allclose(framing.apply_similarity(matrix, edges), expected, atol=1e-9)


def test_crops_of_two_sizes_differ_by_pixel_doubling():
    box = np.array([10.0, 20.0, 30.0, 60.0])
    point = np.array([[13.0, 44.0]])
    small = framing.apply_similarity(framing.crop_matrix(box, 112), point)
    large = framing.apply_similarity(framing.crop_matrix(box, 224), point)
    np.testing.assert_allclose(large, 2 * small + 0.5)


def test_an_inverse_undoes_a_similarity():
    matrix = np.array([[2.0, -1.0, 3.0], [1.0, 2.0, -7.0]])
    points = np.array([[1.0, 5.0], [-2.0, 0.5]])
    there = framing.apply_similarity(matrix, points)
    np.testing.assert_allclose(
        framing.apply_similarity(framing.invert_similarity(matrix), there), points, atol=1e-12
    )


def test_tight_box_leaves_unknown_points_out():
    points = np.array([[3.0, 9.0], [np.nan, np.nan], [5.0, 1.0]])
    np.testing.assert_array_equal(framing.tight_box(points), [3, 1, 5, 9])
