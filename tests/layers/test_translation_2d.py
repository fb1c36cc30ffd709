import numpy as np
import pytest

from keras_3dmmstn.layers import Translation2D
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    points, translation = rng.normal(size=(2, 5, 2)), rng.normal(size=(2, 2))
    assert_keeps_layer_contract(
        Translation2D(), points, translation, output_shape=(2, 5, 2), folder=tmp_path
    )


def test_each_example_has_its_own_translation():
    points = np.ones((2, 3, 2)) * [1.0, 2.0]
    moved = Translation2D()(points, np.array([[10.0, 20.0], [100.0, 200.0]]))
    np.testing.assert_array_equal(moved[0], [[11, 22]] * 3)
    np.testing.assert_array_equal(moved[1], [[101, 202]] * 3)


@pytest.mark.parametrize(
    ("points_shape", "translation_shape"),
    [((2, 5, 3), (2, 2)), ((2, 2), (2, 2)), ((2, 5, 2), (2, 3)), ((2, 5, 2), (2,))],
)
def test_rejects_shapes_that_do_not_fit(points_shape, translation_shape):
    with pytest.raises(ValueError, match=r"Translation2D expects .* received shapes"):
        Translation2D()(np.zeros(points_shape), np.zeros(translation_shape))
