"""Image and reflection pairs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import TrainingModel, spatial_transformer
from keras_3dmmstn.mesh.landmark_sets import mirror_permutation
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import losses
from keras_3dmmstn.network.reflection import with_reflections


def test_each_image_is_followed_by_its_reflection(rng):
    image = rng.uniform(0, 255, (3, 4, 6, 3)).astype(np.float32)
    labels = {"landmarks": rng.uniform(0, 4, (3, 68, 3)).astype(np.float32)}
    pairs, pair_labels = with_reflections(tf.constant(image), labels)
    assert pairs.shape == (6, 4, 6, 3)
    for number in range(3):
        np.testing.assert_array_equal(pairs[2 * number], image[number])
        np.testing.assert_array_equal(pairs[2 * number + 1], image[number, :, ::-1])
        np.testing.assert_array_equal(
            pair_labels["landmarks"][2 * number], labels["landmarks"][number]
        )


@pytest.mark.parametrize(("name", "size"), [("ibug68", 68), ("aflw21", 21), ("ibug68+aflw21", 89)])
def test_a_reflected_landmark_lies_on_the_same_pixel_and_has_its_mirror_s_number(name, size):
    # Landmark 0 marks the one white pixel, at x = 1, y = 2, with half a confidence.
    image = np.zeros((1, 4, 6, 1), np.float32)
    image[0, 2, 1] = 1
    landmarks = np.zeros((1, size, 3), np.float32)
    landmarks[0, 0] = [1, 2, 0.5]
    pairs, labels = with_reflections(tf.constant(image), {"landmarks": landmarks}, name)
    x, y, confidence = labels["landmarks"][1, mirror_permutation(name)[0]].numpy()
    assert (x, y, confidence) == (4, 2, 0.5)
    assert pairs[1, int(y), int(x), 0] == 1


def test_unknown_coordinates_stay_unknown():
    landmarks = np.full((1, 68, 3), [np.nan, np.nan, 0], np.float32)
    _, labels = with_reflections(tf.zeros((1, 4, 4, 3)), {"landmarks": landmarks})
    assert (labels["landmarks"][..., 2].numpy() == 0).all()


def test_a_dataset_of_pairs_trains_on_the_siamese_loss(rng):
    backbone = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D()])
    model = spatial_transformer(toy_grid_model((12, 12)), backbone, image_size=32)
    trainer = TrainingModel(model, mirror_pairs=1e-3)
    trainer.compile("sgd", {"landmarks": losses.LandmarkLoss()}, jit_compile=False)
    images = rng.uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    labels = {"landmarks": np.ones((4, 68, 3), np.float32)}
    batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(2).map(with_reflections)
    history = trainer.fit(batches, shuffle=False, verbose=0).history
    pairs, _ = next(iter(batches))
    assert pairs.shape == (4, 32, 32, 3)
    assert history["mirror_pairs"][0] > 0


def test_an_unknown_landmark_set_is_named():
    with pytest.raises(ValueError, match="'aflw21', 'ibug68', received 'wflw98'"):
        with_reflections(tf.zeros((1, 4, 4, 3)), {"landmarks": tf.zeros((1, 98, 3))}, "wflw98")


def test_landmarks_of_one_s_own_are_mirrored_by_a_permutation(rng):
    image = rng.uniform(0, 255, (1, 4, 6, 3)).astype(np.float32)
    landmarks = np.array([[[1, 2, 1], [4, 3, 1], [0, 0, 0.5]]], np.float32)
    _, labels = with_reflections(image, {"landmarks": landmarks}, mirror=[1, 0, 2])
    expected = [[1, 3, 1], [4, 2, 1], [5, 0, 0.5]]
    np.testing.assert_array_equal(labels["landmarks"][1], expected)


@pytest.mark.parametrize("mirror", [None, [0, 1], [0, 1, 1], [1, 2, 3]])
def test_what_is_no_permutation_of_the_landmarks_is_refused(mirror):
    labels = {"landmarks": np.ones((1, 3, 3), np.float32)}
    with pytest.raises(ValueError, match="of the 3 landmarks"):
        with_reflections(np.zeros((1, 4, 4, 3), np.float32), labels, mirror=mirror)
