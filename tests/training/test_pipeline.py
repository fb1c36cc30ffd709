"""Crops, augmentation and batches: the landmarks stay on the face."""

import dataclasses

import cv2
import numpy as np
import pytest

from keras_3dmmstn.mesh.landmark_sets import MIRROR
from keras_3dmmstn.training.augmentation import augment
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.crops import FaceCrops, cut_faces
from keras_3dmmstn.training.faces import LabelledFaces
from keras_3dmmstn.training.pipeline import evaluation_batches, training_batches


@pytest.fixture
def faces(tmp_path, rng):
    """Three photographs that are black but for a white spot on landmark 40."""
    landmarks = np.ones((3, 68, 3), np.float32)
    paths = []
    for number in range(3):
        landmarks[number, :, :2] = rng.uniform(60, 160, (68, 2)) + [20 * number, 0]
        image = np.zeros((220, 260, 3), np.uint8)
        x, y = landmarks[number, 40, :2]
        cv2.circle(
            image, (round(x * 16), round(y * 16)), 6 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4
        )
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), image)
    return LabelledFaces(tuple(paths), landmarks)


def spot(image):
    """The centre of the white spot, (x, y) in pixels."""
    weight = image.astype(float).sum(axis=-1)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def test_crops_are_centred_and_keep_landmarks_in_place(faces):
    crops = cut_faces(faces)
    for image, landmarks in zip(crops.images, crops.landmarks, strict=True):
        low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
        np.testing.assert_allclose((low + high) / 2, 95.5, atol=1e-3)
        np.testing.assert_allclose(spot(image), landmarks[40, :2], atol=0.3)
        # The network's square is 1.7 landmark boxes wide.
        np.testing.assert_allclose(crops.scale / (high - low).max(), 1.7, rtol=1e-5)


def test_points_without_label_do_not_move_the_crop(faces):
    faces.landmarks[:, 5] = [np.nan, np.nan, 0]
    crops = cut_faces(faces)
    assert np.isfinite(crops.landmarks[:, :5]).all() and (crops.landmarks[:, 5, 2] == 0).all()


def test_evaluation_batches_are_the_network_s_square(faces):
    crops = cut_faces(faces)
    ((images, labels),) = evaluation_batches(crops, TrainingConfig(image_size=112))
    landmarks = labels["landmarks"].numpy()
    extent = np.ptp(landmarks[..., :2], axis=1).max(axis=1)
    np.testing.assert_allclose(extent, 112 / 1.7, rtol=1e-5)
    for image, points in zip(images.numpy(), landmarks, strict=True):
        np.testing.assert_allclose(spot(image), points[40, :2], atol=0.3)


@pytest.mark.parametrize("seed", range(12))
def test_augmented_landmarks_stay_on_the_face(faces, seed, monkeypatch):
    from keras_3dmmstn.training import augmentation

    for change in ("_random_light", "_random_sharpness", "_random_patch"):
        monkeypatch.setattr(augmentation, change, lambda crop, rng: crop)
    crops = cut_faces(faces)
    rng = np.random.default_rng(seed)
    image, landmarks = augment(
        crops.images[0], crops.landmarks[0], crops.scale, TrainingConfig(), rng
    )
    assert image.shape == (112, 112, 3) and image.dtype == np.uint8
    # In a mirrored crop the spot carries the number of the mirrored landmark.
    numbers = (40, int(MIRROR["ibug68"][40]))
    distance = [np.linalg.norm(spot(image) - landmarks[number, :2]) for number in numbers]
    assert min(distance) < 0.5


def test_half_of_the_crops_are_mirrored(faces, monkeypatch):
    from keras_3dmmstn.training import augmentation

    for change in ("_random_light", "_random_sharpness", "_random_patch"):
        monkeypatch.setattr(augmentation, change, lambda crop, rng: crop)
    crops = cut_faces(faces)
    still = dataclasses.replace(TrainingConfig(), rotation=0.0, scale=0.0, shift=0.0)
    ((images, _),) = evaluation_batches(crops, still)
    x = spot(images.numpy()[0])[0]
    seen = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        image, _ = augment(crops.images[0], crops.landmarks[0], crops.scale, still, rng)
        seen.append(spot(image)[0])
    unmirrored = np.isclose(seen, x, atol=0.3)
    mirrored = np.isclose(seen, 111 - x, atol=0.3)
    assert (unmirrored ^ mirrored).all()
    assert 8 < mirrored.sum() < 32


def test_batches_are_full_shuffled_and_differ_between_epochs(faces):
    crops = cut_faces(faces)
    many = FaceCrops(np.tile(crops.images, (4, 1, 1, 1)), np.tile(crops.landmarks, (4, 1, 1)))
    batches = training_batches(many, TrainingConfig(batch_size=5))
    assert int(batches.cardinality()) == 2
    first = [images.numpy() for images, _ in batches]
    second = [images.numpy() for images, _ in batches]
    assert [batch.shape for batch in first] == [(5, 112, 112, 3)] * 2
    assert first[0].dtype == np.float32 and first[0].max() <= 255
    assert not np.array_equal(first[0], second[0])


def test_the_same_seed_gives_the_same_batches(faces):
    crops = cut_faces(faces)
    config = TrainingConfig(batch_size=3, seed=7)
    (one, _), (other, _) = (next(iter(training_batches(crops, config))) for _ in range(2))
    np.testing.assert_array_equal(one, other)
