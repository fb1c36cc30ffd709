"""Parts of the network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import spatial_transformer
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.subnetworks import landmark_network, texture_network
from tests.support.small_network import SIZE, small_normaliser

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


@pytest.mark.parametrize("visibility", ["normals", "depth"])
def test_the_texture_network_samples_where_the_parameters_say(images, visibility):
    network = trained_network(small_normaliser(), visibility=visibility)
    expected = network(images, training=False)
    part = texture_network(network)
    images = tf.constant(images)
    texture, mask = part([images, expected["parameters"]], training=False)
    np.testing.assert_array_equal(texture, expected["texture"])
    np.testing.assert_array_equal(mask, expected["mask"])
    assert 0 < np.mean(mask) < 1
    moved = expected["parameters"] + tf.one_hot([3] * len(images), expected["parameters"].shape[1])
    assert np.any(part([images, moved], training=False)[0] != texture)
    assert all(layer.name != "localiser" for layer in part.layers)


@pytest.mark.parametrize("part", [landmark_network, texture_network])
def test_a_network_can_still_be_saved(part, images, tmp_path):
    network = trained_network(small_normaliser())
    part(network)
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    expected = network(images, training=False)["landmarks"]
    np.testing.assert_array_equal(loaded(images, training=False)["landmarks"], expected)
