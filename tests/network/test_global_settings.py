"""Networks under settings of Keras for a whole program."""

import keras
import numpy as np
import pytest

from keras_3dmmstn import TrainingModel, spatial_transformer
from keras_3dmmstn.losses import LandmarkDistanceLoss, LandmarkLoss
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.localiser import build_localiser
from tests.support.global_settings import global_setting

FACE, SIZE = toy_grid_model((16, 16)), 150
IMAGES = np.random.default_rng(0).uniform(0, 255, (2, SIZE, SIZE, 3)).astype("float32")
IMAGES[1] = IMAGES[0, :, ::-1]  # a pair for the siamese loss
LABELS = {"landmarks": np.full((2, 68, 3), 70.0, "float32")}


@pytest.fixture(scope="module")
def model():
    return spatial_transformer(FACE, image_size=SIZE)


def fitted(model):
    """The losses of two steps of all losses."""
    trainer = TrainingModel(model, 1.0, 1.0, 1.0, jit_textures=False)
    trainer.compile(keras.optimizers.SGD(1e-6), {"landmarks": LandmarkLoss()})
    return trainer.fit(IMAGES, LABELS, epochs=2, shuffle=False, verbose=0).history


@pytest.fixture(scope="module")
def expected_losses(model):
    """Those of the network as it is, which keeps its weights."""
    weights = model.get_weights()
    expected = fitted(model)
    model.set_weights(weights)
    return expected


@pytest.mark.parametrize("setting", ["channels_first", "floatx float64"])
def test_a_network_is_the_same_network(setting, model):
    with global_setting(setting):
        other = spatial_transformer(FACE, image_size=SIZE)
        other.set_weights(model.get_weights())
        found = other.predict(IMAGES, verbose=0)
    for name, expected in model.predict(IMAGES, verbose=0).items():
        assert found[name].dtype == np.float32
        # Twenty layers of float32: places of 150 pixels and levels of 255.
        np.testing.assert_allclose(found[name], expected, atol=0.01, err_msg=name)


@pytest.mark.parametrize("setting", ["channels_first", "floatx float64", "mixed_float16"])
def test_a_network_is_trained_on_all_losses(setting, model, expected_losses):
    with global_setting(setting):
        other = spatial_transformer(FACE, image_size=SIZE)
        other.set_weights(model.get_weights())
        found = fitted(other)
    assert set(found) == {"loss", "shape_prior", "symmetry", "mirror_pairs"}
    for name, values in found.items():
        # The localiser of `mixed_float16` rounds to 2⁻¹¹, in twenty layers.
        rtol = 0.05 if setting == "mixed_float16" else 1e-3
        np.testing.assert_allclose(
            values, expected_losses[name], rtol=rtol, atol=1e-6, err_msg=name
        )


@pytest.mark.parametrize("floatx", ["float16", "bfloat16"])
@pytest.mark.parametrize("loss", [LandmarkLoss, LandmarkDistanceLoss])
def test_losses_in_half_precision_are_refused(floatx, loss):
    message = f"{loss.__name__} expects .* float32 or float64, received {floatx}, .*floatx"
    with global_setting(f"floatx {floatx}"), pytest.raises(ValueError, match=message):
        loss()
    assert loss(dtype="float32").dtype == "float32"


def test_a_backbone_with_channels_first_is_refused():
    with global_setting("channels_first"):
        backbone = keras.Sequential(
            [keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(4, 3, name="convolution")]
        )
    with pytest.raises(
        ValueError, match=r'"channels_first" of convolution; .*set_image_data_format'
    ):
        build_localiser(backbone, FACE, SIZE)
