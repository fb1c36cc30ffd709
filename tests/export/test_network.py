"""The networks that are exported."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import spatial_transformer
from keras_3dmmstn.export.network import input_size, landmark_network, trained_network
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.export.small_network import SIZE, small_normaliser

# Sums of some ten float32 numbers of up to SIZE pixels.
CLOSE = 1e-4


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)


@pytest.mark.parametrize("landmarks", ["ibug68", "aflw21", "aflw21+ibug68"])
def test_the_landmark_network_says_what_the_network_says(images, landmarks):
    network = trained_network(small_normaliser(), landmarks)
    expected = network(images, training=False)
    received = landmark_network(network)(images, training=False)
    assert set(received) == {"parameters", "landmarks"}
    for name, values in received.items():
        np.testing.assert_allclose(values, expected[name], atol=CLOSE)


def test_a_fixed_jaw_stays_fixed(images):
    model = toy_grid_model((16, 12))
    backbone = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Flatten()])
    network = spatial_transformer(model, backbone, SIZE, jaw="fixed")
    head = network.get_layer("localiser").get_layer("head")
    rng = np.random.default_rng(2)
    head.set_weights([rng.normal(0, 1e-4, w.shape) for w in head.get_weights()])
    expected = network(images, training=False)["landmarks"]
    received = landmark_network(network)(images, training=False)["landmarks"]
    np.testing.assert_allclose(received, expected, atol=CLOSE)


def test_gradients_of_the_landmark_network_reach_the_face_model(images):
    network = trained_network(small_normaliser())
    part = landmark_network(network)
    morphable_model = network.get_layer("morphable_model")
    variables = [morphable_model.mean.value, morphable_model.basis.value]
    variables += [v.value for v in network.get_layer("localiser").trainable_variables]

    def gradients(model):
        with tf.GradientTape() as tape:
            tape.watch(variables)
            loss = tf.reduce_sum(model(images, training=False)["landmarks"] ** 2)
        return [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]

    for received, expected in zip(gradients(part), gradients(network), strict=True):
        scale = np.abs(expected).max()
        assert scale > 0
        np.testing.assert_allclose(received, expected, atol=1e-5 * scale)


def test_another_network_has_no_input_size():
    image = keras.Input((8, 6, 3))
    outputs = dict.fromkeys(["parameters", "landmarks", "texture", "mask"], image)
    with pytest.raises(ValueError, match=r"\(batch, size, size, 3\), got \(None, 8, 6, 3\)"):
        input_size(keras.Model(image, outputs))
