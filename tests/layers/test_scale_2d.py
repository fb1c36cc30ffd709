import numpy as np
import pytest

from keras_3dmmstn.layers import Scale2D
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    points, scale = rng.normal(size=(2, 5, 2)), rng.uniform(1, 2, (2, 1))
    assert_keeps_layer_contract(Scale2D(), points, scale, output_shape=(2, 5, 2), folder=tmp_path)


def test_each_example_has_its_own_scale():
    points = np.ones((2, 3, 2)) * [1.0, 2.0]
    scaled = Scale2D()(points, np.array([[10.0], [100.0]]))
    np.testing.assert_array_equal(scaled[0], [[10, 20]] * 3)
    np.testing.assert_array_equal(scaled[1], [[100, 200]] * 3)


@pytest.mark.parametrize(
    ("points_shape", "scale_shape"),
    [((2, 5, 3), (2, 1)), ((2, 2), (2, 1)), ((2, 5, 2), (2, 2)), ((2, 5, 2), (2,))],
)
def test_rejects_shapes_that_do_not_fit(points_shape, scale_shape):
    with pytest.raises(ValueError, match=r"Scale2D expects .* received shapes"):
        Scale2D()(np.zeros(points_shape), np.zeros(scale_shape))
