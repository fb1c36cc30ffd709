"""The network that describes faces: its shapes, and that it learns."""

import keras
import numpy as np
import pytest

from keras_3dmmstn.recognition import AngularMarginLoss, CosineClassifier, descriptor_network


@pytest.mark.parametrize(("size", "channels"), [(32, 3), (64, 4), (80, 3)])
def test_it_takes_pictures_of_any_size_and_number(size, channels):
    network = descriptor_network(size, channels, length=24)
    assert network.input_shape == (None, size, size, channels)
    assert network(np.zeros((2, size, size, channels))).shape == (2, 24)


def test_it_has_half_a_million_weights():
    assert 0.4e6 < descriptor_network().count_params() < 0.6e6


@pytest.mark.parametrize("size", [16, 40])
def test_pictures_of_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match=f"a larger multiple of 16, received {size}"):
        descriptor_network(size)


def test_it_learns_to_tell_patterns_apart():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    patterns = rng.uniform(0, 255, (4, 8, 8, 3)).repeat(4, 1).repeat(4, 2)
    classes = np.arange(64) % 4
    pictures = np.clip(patterns[classes] + rng.normal(0, 40, (64, 32, 32, 3)), 0, 255)
    network = descriptor_network(32, length=16)
    model = keras.Sequential([network, CosineClassifier(4)])
    model.compile(keras.optimizers.Adam(3e-3), AngularMarginLoss())
    losses = model.fit(pictures, classes, batch_size=16, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]
    others = np.clip(patterns + rng.normal(0, 40, patterns.shape), 0, 255)
    described = np.array(network(np.concatenate([patterns, others])))
    described /= np.linalg.norm(described, axis=1, keepdims=True)
    assert ((described[:4] @ described[4:].T).argmax(axis=1) == np.arange(4)).all()
