import numpy as np
import pytest

from keras_3dmmstn.layers import LandmarkSelection
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    points = rng.normal(size=(2, 5, 2))
    assert_keeps_layer_contract(
        LandmarkSelection([4, 0, 0]), points, output_shape=(2, 3, 2), folder=tmp_path
    )


def test_landmarks_come_in_the_order_of_the_indices(rng):
    points = rng.normal(size=(2, 5, 2)).astype("float32")
    np.testing.assert_array_equal(LandmarkSelection([4, 0, 0])(points), points[:, [4, 0, 0]])


def test_accepts_the_index_arrays_of_a_grid_model():
    layer = LandmarkSelection(np.array([2, 1], np.int32))
    assert layer.get_config()["indices"] == [2, 1]
    assert type(layer.get_config()["indices"][0]) is int


@pytest.mark.parametrize("indices", [[], [0, -1]])
def test_rejects_indices_that_number_no_point(indices):
    with pytest.raises(ValueError, match="LandmarkSelection expects `indices` of at least 0"):
        LandmarkSelection(indices)


def test_rejects_an_index_past_the_last_point():
    with pytest.raises(ValueError, match=r"expects more than 5 points .* received shape \(2, 5, 2"):
        LandmarkSelection([5])(np.zeros((2, 5, 2)))


def test_rejects_what_is_no_list_of_points():
    with pytest.raises(ValueError, match=r"of shape \(batch, N, dimensions\), received shape"):
        LandmarkSelection([0])(np.zeros((2, 5)))
