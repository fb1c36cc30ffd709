import numpy as np
import pytest

from keras_3dmmstn.layers import TranslationTo3D
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    layer = TranslationTo3D((11.5, 9.0), focal_length=40.0)
    translation, scale = rng.uniform(5, 15, (2, 2)), rng.uniform(0.5, 2, (2, 1))
    assert_keeps_layer_contract(layer, translation, scale, output_shape=(2, 3), folder=tmp_path)


def test_each_example_has_its_own_place():
    layer = TranslationTo3D((10.0, 20.0), focal_length=100.0)
    placed = layer(np.array([[12.0, 16.0], [10.0, 20.0]]), np.array([[2.0], [0.5]]))
    np.testing.assert_array_equal(placed, [[1, -2, 50], [0, 0, 200]])


@pytest.mark.parametrize("shapes", [((2, 3), (2, 1)), ((2, 2), (2, 2)), ((2, 2), (2,))], ids=str)
def test_rejects_shapes_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match=r"TranslationTo3D expects .* received shapes \(2, "):
        TranslationTo3D((0.0, 0.0), 40.0)(*[np.ones(shape) for shape in shapes])
