"""Crops that a network is to judge itself on."""

from dataclasses import replace

import numpy as np
import pytest

from keras_3dmmstn.training.confidence.difficult_crops import SHARES, _hidden, difficult_crops
from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.recipes import recipe

CONFIG = replace(recipe("compact"), image_size=56, blur_share=0.0, patch_share=0.0)


@pytest.fixture(scope="module")
def crops():
    """Faces that are a bright disc with four labelled points on its rim, on a dark ground."""
    y, x = np.mgrid[:96, :96]
    disc = np.hypot(x - 47.5, y - 47.5) < 20
    image = np.where(disc[..., None], 220, 30) * np.ones(3)
    images = np.stack([image, image[:, ::-1]]).astype(np.uint8)
    landmarks = np.zeros((2, 89, 3), np.float32)
    rim = [(47.5, 27.5), (67.5, 47.5), (47.5, 67.5), (27.5, 47.5)]
    landmarks[:, :4] = [(*point, 1.0) for point in rim]
    return FaceCrops(images, landmarks, crop_side=64.0)


@pytest.fixture(scope="module")
def made(crops):
    return list(difficult_crops(crops, CONFIG, 400, seed=3))


def rim(crop):
    """The labelled points of a crop."""
    return crop.landmarks[crop.landmarks[:, 2] > 0, :2]


def test_there_are_all_kinds_by_their_shares(made):
    kinds = [crop.kind for crop in made]
    for kind, share in SHARES.items():
        assert kinds.count(kind) / len(kinds) == pytest.approx(share, abs=0.07)


def test_images_and_landmarks_have_the_size_of_the_networks(made):
    for crop in made:
        assert crop.image.shape == (56, 56, 3) and crop.image.dtype == np.uint8
        assert crop.landmarks.shape == (89, 3) and np.isfinite(crop.landmarks).all()


def test_labels_follow_the_face_and_there_are_none_without_one(made):
    inside = []
    for crop in made:
        labelled = crop.landmarks[:, 2] > 0
        assert labelled.sum() == (0 if crop.kind == "faceless" else 4)
        centre = crop.landmarks[labelled, :2].mean(axis=0) if labelled.any() else np.full(2, -9.0)
        if crop.kind == "ordinary" and (centre > 2).all() and (centre < 53).all():
            x, y = centre.round().astype(int)
            inside.append(crop.image[y, x].mean() - crop.image[2:-2, 2:-2].min())
    assert len(inside) > 100 and np.median(inside) > 60


def test_misframed_faces_are_further_off_than_ordinary_ones(made):
    def distance(kind):
        centres = [rim(c).mean(axis=0) for c in made if c.kind == kind]
        return np.linalg.norm(np.array(centres) - 27.5, axis=1).mean()

    assert distance("misframed") > 3 * distance("ordinary")


def test_much_of_a_hidden_face_is_hidden():
    face, other = np.full((60, 60, 3), 220, np.uint8), np.full((60, 60, 3), 10, np.uint8)
    landmarks = np.zeros((89, 3), np.float32)
    landmarks[:2] = [(15, 15, 1), (45, 45, 1)]
    shares = []
    for seed in range(60):
        hidden = _hidden(face, other, landmarks, np.random.default_rng(seed))
        shares.append((hidden[15:46, 15:46] != 220).any(axis=-1).mean())
    assert np.mean(shares) > 0.4 and min(shares) > 0.02 and max(shares) > 0.9


def test_the_seed_decides(crops, made):
    again = list(difficult_crops(crops, CONFIG, 20, seed=3))
    for one, other in zip(again, made[:20], strict=True):
        np.testing.assert_array_equal(one.image, other.image)
    assert [c.kind for c in difficult_crops(crops, CONFIG, 20, seed=4)] != [c.kind for c in again]
