"""Augmentation and batches: the landmarks stay on the face, and an epoch can be repeated."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_3dmmstn.mesh.landmark_sets import mirror_permutation
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data import augmentation, conversion
from keras_3dmmstn.training.data.batches import evaluation_batches, training_batches
from keras_3dmmstn.training.data.conversion import convert
from keras_3dmmstn.training.data.crops import FaceCrops, cut_faces
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS, LANDMARK_SET
from keras_3dmmstn.training.data.mixture import mixture
from keras_3dmmstn.training.data.shards import named_damage, serialised
from keras_3dmmstn.training.data.supervision import Supervision
from tests.support.face_folders import spot_of, spotted_faces

CONFIG = TrainingConfig(image_size=112, batch_size=4, augmentation=True)
STILL = dataclasses.replace(CONFIG, augmentation=False)
NOSE_TIP = 30  # a landmark that is its own mirror image


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("faces")


@pytest.fixture(scope="module")
def faces(folder):
    return spotted_faces(folder / "photographs", 9)


@pytest.fixture(scope="module")
def crops(faces):
    return cut_faces(faces)


@pytest.fixture(scope="module")
def shards(faces, folder):
    return convert(faces, folder / "shards", image_format="png", faces_per_shard=2)


@pytest.fixture(params=["in memory", "shards", "mixture"])
def source(request, crops, shards):
    return {"in memory": crops, "shards": shards, "mixture": mixture([crops, shards])}[
        request.param
    ]


@pytest.fixture
def only_moves(monkeypatch):
    """Leaves of the augmentation what moves the face."""
    for change in ("_random_light", "_random_blur", "_random_patch"):
        monkeypatch.setattr(augmentation, change, lambda crop, *_: crop)


def arrays(batches):
    """An epoch as two arrays."""
    pairs = [(images.numpy(), labels["landmarks"].numpy()) for images, labels in batches]
    return tuple(np.concatenate(parts) for parts in zip(*pairs, strict=True))


def marked(crops):
    """The crops with each face's number as the confidence of landmark 0."""
    landmarks = crops.landmarks.copy()
    landmarks[:, 0, 2] = np.arange(1, len(crops) + 1)
    landmarks[:, 16, 2] = landmarks[:, 0, 2]  # its mirror image
    return FaceCrops(crops.images, landmarks, crops.crop_side)


def test_elements_are_as_documented(source):
    batches = training_batches(source, CONFIG)
    images, labels = next(iter(batches))
    assert images.shape == (4, 112, 112, 3) and images.dtype == "float32"
    assert labels["landmarks"].shape == (4, 89, 3) and labels["landmarks"].dtype == "float32"
    assert 1 < images.numpy().max() <= 255 and images.numpy().min() >= 0
    assert batches.element_spec[0].shape == (4, 112, 112, 3)
    assert int(batches.cardinality()) == len(source) // 4 == len(list(batches))


def test_augmented_landmarks_stay_on_the_face(source, only_moves):
    images, landmarks = arrays(training_batches(source, CONFIG))
    for image, points in zip(images, landmarks, strict=True):
        np.testing.assert_allclose(spot_of(image), points[NOSE_TIP, :2], atol=0.5)


def test_half_of_the_crops_are_mirrored(crops, only_moves):
    images, landmarks = arrays(training_batches(mixture([crops], None, 80), CONFIG))
    # The image-left eye stays left of the image-right one, by the permutation.
    assert (landmarks[:, 75, 0] < landmarks[:, 78, 0]).all()
    calm = dataclasses.replace(
        CONFIG, rotation_deviation=0.0, scale_deviation=0.0, shift_deviation=0.0
    )
    (images, landmarks) = arrays(training_batches(mixture([crops], None, 80), calm))
    expected, _ = arrays(evaluation_batches(crops, calm))
    places = np.array([spot_of(image)[0] for image in images])
    known = np.array([spot_of(image)[0] for image in expected])
    unmirrored = np.abs(places[:, None] - known).min(axis=1)
    mirrored = np.abs(111 - places[:, None] - known).min(axis=1)
    assert (np.minimum(unmirrored, mirrored) < 0.3).all()
    assert 20 < (mirrored < unmirrored).sum() < 60


def test_an_epoch_has_each_face_once_in_random_order(crops, shards, folder, faces):
    _, landmarks = arrays(
        training_batches(marked(crops), dataclasses.replace(CONFIG, batch_size=9))
    )
    numbers = landmarks[:, [0, 16], 2].max(axis=1)
    assert sorted(numbers) == list(range(1, 10)) and (np.diff(numbers) != 1).any()
    config = dataclasses.replace(STILL, batch_size=9)
    expected, _ = arrays(evaluation_batches(crops, config))
    images, _ = arrays(training_batches(shards, config))
    distance = np.abs(images[:, None] - expected).max(axis=(2, 3, 4))
    assert sorted(distance.argmin(axis=1)) == list(range(9)) and distance.min(axis=1).max() < 2


def test_each_iteration_is_another_epoch_and_the_same_seed_gives_the_same_ones(source):
    first, second = training_batches(source, CONFIG), training_batches(source, CONFIG)
    epochs = [arrays(first) for _ in range(3)]
    for epoch in epochs:
        for one, other in zip(epoch, arrays(second), strict=True):
            np.testing.assert_array_equal(one, other)
    assert not np.array_equal(epochs[0][0], epochs[1][0])
    other = training_batches(source, dataclasses.replace(CONFIG, seed=1))
    assert not np.array_equal(arrays(other)[0], epochs[0][0])


def test_a_run_that_goes_on_sees_what_an_unbroken_one_does(source):
    unbroken = training_batches(source, CONFIG)
    for _ in range(2):
        arrays(unbroken)
    for one, other in zip(
        arrays(unbroken), arrays(training_batches(source, CONFIG, first_epoch=2)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_an_epoch_of_fit_is_an_epoch_of_the_data(crops):
    class Record(keras.Model):
        seen = ()

        def train_step(self, data):
            self.seen = (*self.seen, float(data[0][0, 0, 0, 0]) + float(np.sum(data[0])))
            return {"loss": 0.0}

    model = Record()
    model.compile(run_eagerly=True)
    model.fit(training_batches(crops, CONFIG), epochs=3, shuffle=False, verbose=0)
    expected = []
    for epoch in range(3):
        for images, _ in training_batches(crops, CONFIG, first_epoch=epoch):
            expected.append(float(images[0, 0, 0, 0]) + float(np.sum(images)))
    assert list(model.seen) == expected


def test_without_augmentation_faces_are_as_in_evaluation(crops):
    images, landmarks = arrays(training_batches(crops, dataclasses.replace(STILL, batch_size=9)))
    expected, labels = arrays(evaluation_batches(crops, STILL))
    order = [np.abs(expected - image).max(axis=(1, 2, 3)).argmin() for image in images]
    np.testing.assert_array_equal(images, expected[order])
    np.testing.assert_array_equal(landmarks, labels[order])


def test_mirror_pairs_are_each_image_and_its_reflection(source):
    batches = training_batches(source, CONFIG, mirror_pairs=True)
    images, labels = next(iter(batches))
    images, landmarks = images.numpy(), labels["landmarks"].numpy()
    assert images.shape == (8, 112, 112, 3) and int(batches.cardinality()) == len(source) // 4
    np.testing.assert_array_equal(images[1::2], images[::2, :, ::-1])
    permutation = mirror_permutation(LANDMARK_SET)
    np.testing.assert_array_equal(landmarks[1::2, :, 1], landmarks[::2, permutation, 1])
    np.testing.assert_allclose(landmarks[1::2, :, 0], 111 - landmarks[::2, permutation, 0])


def test_weights_say_how_often_a_data_set_is_drawn_from(crops, shards):
    labelled = FaceCrops(crops.images, crops.landmarks * [1, 1, 0.25], crops.crop_side)
    mixed = mixture([labelled, shards], [3, 1], 40)
    _, landmarks = arrays(training_batches(mixed, CONFIG))
    assert np.isclose(landmarks[:, 0, 2], 0.25).sum() == 30


@pytest.mark.parametrize("kind", ["in memory", "shards"])
def test_labels_are_taken_away(crops, shards, kind):
    source = crops if kind == "in memory" else shards
    config = dataclasses.replace(STILL, batch_size=9)
    few = Supervision(label_share=1 / 3, only_points=FIVE_POINTS)
    kept = []
    for epoch in range(2):
        images, landmarks = arrays(
            training_batches(source, config, supervision=few, first_epoch=epoch)
        )
        labelled = landmarks[..., 2] > 0
        assert labelled.any(axis=1).sum() == 3
        assert set(np.flatnonzero(labelled.any(axis=0))) == set(FIVE_POINTS)
        kept.append(sorted(images[labelled.any(axis=1)].sum(axis=(1, 2, 3))))
    assert kept[0] == kept[1]  # the same faces in every epoch
    assert (crops.landmarks[..., 2] == 1).all()  # the crops themselves are not changed


def test_a_global_seed_of_zero_is_one_like_any_other(shards):
    expected = arrays(training_batches(shards, CONFIG))
    keras.utils.set_random_seed(0)
    for array, other in zip(arrays(training_batches(shards, CONFIG)), expected, strict=True):
        np.testing.assert_array_equal(array, other)


def test_evaluation_batches_are_the_network_s_square_in_order(source, crops):
    images, landmarks = arrays(evaluation_batches(source, CONFIG))
    assert images.shape == (len(source), 112, 112, 3)
    assert int(evaluation_batches(source, CONFIG).cardinality()) == -(-len(source) // 4)
    extent = np.ptp(landmarks[:, :68, :2], axis=1).max(axis=1)
    np.testing.assert_allclose(extent, 112 / 1.7, rtol=1e-5)
    for image, points in zip(images, landmarks, strict=True):
        np.testing.assert_allclose(spot_of(image), points[NOSE_TIP, :2], atol=0.3)


@pytest.mark.parametrize("made", [training_batches, evaluation_batches])
def test_no_thread_tunes_the_pipeline(crops, made):
    # It sleeps for up to a minute, and whoever lets go of an iterator waits for it.
    assert made(crops, CONFIG).skip(1).options().autotune.enabled is False


def test_too_few_faces_for_a_batch_are_refused(crops):
    config = dataclasses.replace(CONFIG, batch_size=64)
    with pytest.raises(ValueError, match="at least one batch of 64 faces, received 9"):
        training_batches(crops, config)


@pytest.mark.parametrize("batches", [training_batches, evaluation_batches])
def test_landmarks_in_shards_that_are_not_finite_are_not_trained_on(
    faces, tmp_path, batches, monkeypatch
):
    def with_a_gap(image, landmarks, pose, number, *about):
        landmarks[30, 0] = np.nan if number == 3 else landmarks[30, 0]
        return serialised(image, landmarks, pose, number, *about)

    monkeypatch.setattr(conversion, "serialised", with_a_gap)
    shards = convert(faces, tmp_path / "nan", image_format="png")
    with (
        pytest.raises(ValueError, match=r"faces-00000.tfrecord: .* not finite in record \d"),
        named_damage([shards]),
    ):
        arrays(batches(shards, dataclasses.replace(CONFIG, batch_size=3)))
