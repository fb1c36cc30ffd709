import keras
import numpy as np
import pytest

from keras_3dmmstn import Normaliser, build_localiser
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.small_network import small_backbone

SIDE = 32


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((16, 16))


def localiser_of(grid_model, *shapes):
    """Returns a model from images of these shapes to as many numbers as θ has."""
    images = [keras.Input(shape) for shape in shapes]
    pooled = [keras.layers.GlobalAveragePooling2D()(image) for image in images]
    features = keras.layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    return keras.Model(images, keras.layers.Dense(6 + grid_model.modes)(features))


@pytest.mark.parametrize(
    "shape", [(SIDE, SIDE, 1), (None, None, 3), (SIDE, 2 * SIDE, 3), (SIDE, SIDE, 4)]
)
def test_a_localiser_of_other_images_is_refused(shape, grid_model):
    with pytest.raises(ValueError, match=r"images of shape \(batch, side, side, 3\) of one size"):
        Normaliser(localiser_of(grid_model, shape), grid_model)


def test_a_localiser_of_two_images_is_refused(grid_model):
    two = localiser_of(grid_model, (SIDE, SIDE, 3), (SIDE, SIDE, 3))
    with pytest.raises(ValueError, match=r"with one input, .* received one with 2 inputs"):
        Normaliser(two, grid_model)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_named(value, grid_model, tmp_path):
    localiser = build_localiser(small_backbone(SIDE), grid_model, SIDE)
    Normaliser(localiser, grid_model).save(tmp_path)
    Normaliser.load(tmp_path)
    kernel, bias = localiser.get_layer("head").get_weights()
    bias[2] = value
    localiser.get_layer("head").set_weights([kernel, bias])
    localiser.save(tmp_path / "localiser.keras")
    with pytest.raises(ValueError, match=r"localiser\.keras: expected finite weights.*head/bias"):
        Normaliser.load(tmp_path)
