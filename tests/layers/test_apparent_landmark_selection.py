import numpy as np
import pytest

from keras_3dmmstn.layers import ApparentLandmarkSelection, LandmarkSelection
from tests.support.layer_contract import assert_keeps_layer_contract

LINES, DIRECTIONS = [[0, 1, 2], [3, 4, 5]], [[-1.0, 0.0], [0.0, 1.0]]


def test_contract(rng, tmp_path):
    points, rotation = rng.normal(size=(2, 8, 2)), np.stack([np.eye(3), -np.eye(3)])
    layer = ApparentLandmarkSelection([0, 3, 7], LINES, DIRECTIONS)
    assert_keeps_layer_contract(layer, points, rotation, output_shape=(2, 3, 2), folder=tmp_path)


def test_each_contour_point_is_the_outermost_of_its_line():
    points = np.array([[[0, 0], [-4, 1], [-2, 9], [5, 0], [5, 1], [5, 8], [6, 6]]], np.float32)
    layer = ApparentLandmarkSelection([0, 3, 6], LINES, DIRECTIONS)
    np.testing.assert_array_equal(layer(points, np.eye(3)[None]), [[[-4, 1], [5, 8], [6, 6]]])


def test_outward_turns_with_the_face():
    points = np.array([[[0, 0], [-4, 1], [-2, 9]]], np.float32)
    # A quarter turn in the image takes x to y: what was towards -x is towards -y.
    quarter = np.array([[[0, -1, 0], [1, 0, 0], [0, 0, 1]]], np.float32)
    layer = ApparentLandmarkSelection([0], LINES[:1], DIRECTIONS[:1])
    np.testing.assert_array_equal(layer(points, quarter), [[[0, 0]]])


def test_without_lines_that_differ_it_is_the_papers_selection(rng):
    points = rng.normal(size=(2, 8, 2)).astype("float32")
    layer = ApparentLandmarkSelection([5, 2, 7], [[5, 5], [2, 2]], DIRECTIONS)
    rotation = np.tile(np.eye(3), (2, 1, 1))
    np.testing.assert_array_equal(layer(points, rotation), LandmarkSelection([5, 2, 7])(points))


@pytest.mark.parametrize(
    ("indices", "lines", "directions"),
    [
        ([0], LINES, DIRECTIONS),
        ([0, 1], LINES, [[1.0, 0.0]]),
        ([0, 1], [0, 1], DIRECTIONS),
        ([0, -1], LINES, DIRECTIONS),
    ],
)
def test_rejects_arguments_that_do_not_fit(indices, lines, directions):
    with pytest.raises(ValueError, match="ApparentLandmarkSelection expects `lines`"):
        ApparentLandmarkSelection(indices, lines, directions)


@pytest.mark.parametrize(
    ("points", "rotation", "message"),
    [
        ((1, 9, 3), (1, 3, 3), r"`points` of shape \(batch, N, 2\)"),
        ((1, 9, 2), (1, 3), r"`rotation` of shape \(batch, 3, 3\)"),
        ((1, 5, 2), (1, 3, 3), "more than 5 points"),
    ],
)
def test_rejects_inputs_of_another_shape(points, rotation, message):
    layer = ApparentLandmarkSelection([0, 3], LINES, DIRECTIONS)
    with pytest.raises(ValueError, match=message):
        layer(np.zeros(points), np.zeros(rotation))
