"""From a landmark box to the square crop, and back."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

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


def test_a_turned_face_is_upright_in_its_crop():
    box, roll = np.array([10.0, 20.0, 30.0, 60.0]), 0.4
    matrix = framing.crop_matrix(box, 112, roll)
    upright = framing.crop_matrix(box, 112)
    middle = np.array([20.0, 40.0])
    # "Up" of a face that is turned clockwise by 0.4 leans towards image-right.
    above = middle + 5 * np.array([np.sin(roll), -np.cos(roll)])
    expected = framing.apply_similarity(upright, middle - [0, 5])
    np.testing.assert_allclose(framing.apply_similarity(matrix, above), expected, atol=1e-9)
    matrices = np.stack([matrix, upright])
    np.testing.assert_allclose(framing.rolls(matrices), [roll, 0], atol=1e-12)
    np.testing.assert_allclose(framing.zooms(matrices), [112 / 68] * 2)


def test_similarities_are_joined_in_their_order(rng):
    first = np.stack([framing.crop_matrix(np.array([1, 2, 30, 50.0]), 64, r) for r in (0.3, 2)])
    second = np.stack([framing.crop_matrix(np.array([9, 7, 50, 20.0]), 32, r) for r in (-1, 0.1)])
    points = rng.uniform(0, 60, (5, 2))
    for a, b, both in zip(first, second, framing.joined(first, second), strict=True):
        expected = framing.apply_similarity(b, framing.apply_similarity(a, points))
        np.testing.assert_allclose(framing.apply_similarity(both, points), expected)


@pytest.mark.parametrize("roll", [0.0, 0.5, np.pi / 2, np.pi, -2.5])
def test_parameters_in_the_photograph_project_to_the_points(roll, rng):
    theta = np.concatenate([rng.normal(size=(1, 3)), [[60.0, 50.0, -0.3]]], axis=1)
    matrix = framing.crop_matrix(np.array([10.0, 20.0, 90.0, 110.0]), 112, roll)[None]
    vertices = rng.normal(size=(7, 3)) * 50

    def projected(parameters):
        turned = vertices @ Rotation.from_rotvec(parameters[0, :3]).as_matrix().T
        return np.exp(parameters[0, 5]) * turned[:, :2] + parameters[0, 3:5]

    in_photograph = framing.points_in_photograph(projected(theta)[None], matrix)[0]
    moved = framing.parameters_in_photograph(theta, matrix)
    np.testing.assert_allclose(projected(moved), in_photograph, atol=1e-9)
