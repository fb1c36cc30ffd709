"""Networks refuse images in 0..1, whatever they come in."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import spatial_transformer
from keras_3dmmstn.losses import LandmarkLoss
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.checked_levels import checked_levels
from keras_3dmmstn.network.training_model import TrainingModel

SIZE = 140
REFUSED = r"levels in 0\.\.255, received a batch with levels in 0\.\.1: multiply"


@pytest.fixture(scope="module")
def network():
    network = spatial_transformer(toy_grid_model((16, 16)), image_size=SIZE)
    network.compile("sgd", {"landmarks": LandmarkLoss()})
    return network


@pytest.fixture
def images(rng):
    return rng.uniform(0, 1, (2, SIZE, SIZE, 3)).astype(np.float32)


LABELS = {"landmarks": np.ones((2, 68, 3), np.float32)}


class Batches(keras.utils.PyDataset):
    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.images, LABELS


def test_arrays_are_refused_by_whatever_takes_them(network, images):
    for take in (network, network.predict):
        with pytest.raises(ValueError, match=REFUSED):
            take(images)
    for train in (network.fit, network.evaluate, _trainer(network).fit):
        with pytest.raises(ValueError, match=REFUSED):
            train(images, LABELS, verbose=0)


@pytest.mark.parametrize("pack", [lambda x: [x], lambda x: (x,), lambda x: {"image": x}])
@pytest.mark.parametrize("kind", [np.asarray, tf.constant])
@pytest.mark.filterwarnings("ignore:The structure of `inputs`")
def test_lists_and_dicts_are_refused_in_a_call_too(network, images, pack, kind):
    for model in (network, _trainer(network)):
        with pytest.raises(ValueError, match=REFUSED):
            model(pack(kind(images)))
        found = model(pack(kind(255 * images)))["landmarks"]
        np.testing.assert_allclose(found, network(255 * images)["landmarks"], atol=0.01)


@pytest.mark.parametrize("nothing", [[], {}, ()])
def test_nothing_is_no_batch(nothing, network):
    for take in (network.predict, network, network.evaluate):
        with pytest.raises(ValueError, match=r"Expected images in 0\.\.255, received none"):
            take(nothing)


def test_a_call_of_a_training_model_refuses_arrays(network, images):
    with pytest.raises(ValueError, match=REFUSED):
        _trainer(network)(images)


def test_data_sets_and_generators_are_refused(network, images):
    batches = tf.data.Dataset.from_tensors((images, LABELS))
    for train in (network.fit, _trainer(network).fit):
        for data in (batches, Batches(images), (batch for batch in [(images, LABELS)])):
            with pytest.raises(ValueError, match=REFUSED):
                train(data, verbose=0, shuffle=False)


def test_levels_to_255_dark_images_and_whole_numbers_pass(network, images):
    for taken in (255 * images, 0 * images, np.round(images)):
        assert network(taken)["landmarks"].shape == (2, 68, 2)
    # A batch of none passes, too. Keras' convolution fails on it on some processors.
    assert checked_levels(images[:0]).shape == (0, SIZE, SIZE, 3)
    data = tf.data.Dataset.from_tensors(255 * images)
    assert network.predict(data, verbose=0)["landmarks"].shape == (2, 68, 2)


def test_a_clone_and_a_saved_model_refuse_them_too(network, images, tmp_path):
    network.save(tmp_path / "network.keras")
    saved = keras.models.load_model(tmp_path / "network.keras", compile=False)
    np.testing.assert_array_equal(
        saved(255 * images)["landmarks"], network(255 * images)["landmarks"]
    )
    for twin in (saved, keras.models.clone_model(network)):
        with pytest.raises(ValueError, match=REFUSED):
            twin(images)


def test_a_training_model_refuses_them_for_validation_and_prediction_too(network, images):
    trainer = _trainer(network)
    with pytest.raises(ValueError, match=REFUSED):
        trainer.predict(images, verbose=0)
    with pytest.raises(ValueError, match=REFUSED):
        trainer.evaluate(images, LABELS, verbose=0)
    with pytest.raises(ValueError, match=REFUSED):
        trainer.fit(255 * images, LABELS, validation_data=(images, LABELS), verbose=0)
    found = trainer.predict(255 * images, verbose=0)["landmarks"]
    np.testing.assert_allclose(found, network(255 * images)["landmarks"], atol=0.01)


def _trainer(network):
    trainer = TrainingModel(network)
    trainer.compile("sgd", {"landmarks": LandmarkLoss()})
    return trainer


def test_black_frames_between_whole_numbers_pass(network):
    frames = np.zeros((2, SIZE, SIZE, 3), np.float32)
    frames[0, 3, :9] = 0.4
    network.predict(frames, verbose=0)
    network(frames)
