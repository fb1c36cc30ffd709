"""Mixed precision trains to the error that float32 trains to."""

from dataclasses import replace

import keras
import pytest
import tensorflow as tf

from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.subnetworks import landmark_network, texture_network
from keras_3dmmstn.training.network import build_network, build_trainer
from tests.support.precision_run import CONFIG, draw_photographs, error, trained

FACES, STEPS = 2, 100

# Pixels. With five seeds float32 itself ends between 0.038 and 0.051, from 10: what precision does
# to the error has to be about as little as what another beginning does.
TOLERANCE = 0.02

# Half a step between numbers, relative: what rounding does to one.
ROUNDING = {"mixed_bfloat16": 2**-8, "mixed_float16": 2**-11}


@pytest.fixture(scope="module")
def face():
    return toy_grid_model((32, 32))


@pytest.fixture(scope="module")
def photographs_and_labels(face):
    return draw_photographs(face, FACES)


@pytest.fixture(scope="module")
def errors_of_float32(face, photographs_and_labels):
    """Before and after training."""
    data = photographs_and_labels
    before = error(build_network(CONFIG, face), data)
    return before, error(trained("float32", face, data, STEPS)[0], data)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_to_the_error_of_float32(
    precision, face, photographs_and_labels, errors_of_float32
):
    data = photographs_and_labels
    model, trainer = trained(precision, face, data, STEPS)
    backbone = model.get_layer("localiser").get_layer("compact")
    assert backbone.layers[-1].compute_dtype == precision.removeprefix("mixed_")
    scaled = isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16"), "float16 has too few exponents for gradients"

    before, after = errors_of_float32
    assert after < 0.01 * before
    assert abs(error(model, data) - after) < TOLERANCE
    # What is saved computes in float32: without the rounding that the network has learned to bear,
    # in all that it moves the landmarks by.
    saved = build_network(CONFIG, face)
    saved.set_weights(model.get_weights())
    assert abs(error(saved, data) - after) < TOLERANCE + ROUNDING[precision] * before


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_geometry_and_losses_stay_float32(precision, face, photographs_and_labels):
    config = replace(CONFIG, precision=precision)
    network = build_network(config, face)
    trainer = build_trainer(network, config, STEPS)
    assert trainer.compute_dtype == "float32"
    parts = (network, landmark_network(network), texture_network(network))
    after = {layer for part in parts for layer in part.layers if layer.name != "localiser"}
    after = {layer for layer in after if not isinstance(layer, keras.layers.InputLayer)}
    assert len(after) >= 10
    assert {layer.compute_dtype for layer in after} == {"float32"}
    images, _ = photographs_and_labels
    assert trainer(images, training=True)["landmarks"].dtype == tf.float32
    assert {loss.dtype for loss in trainer.losses} == {tf.float32}
