"""The five points alone, also where they are to be made of 68."""

import numpy as np
import pytest

from keras_3dmmstn.training.config import with_settings
from keras_3dmmstn.training.data.batches import training_batches
from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS, with_five_points
from keras_3dmmstn.training.data.supervision import Supervision
from keras_3dmmstn.training.recipes import recipe

LEFT_EYE, RIGHT_EYE, NOSE, LEFT_MOUTH, RIGHT_MOUTH = FIVE_POINTS


@pytest.fixture
def landmarks(rng):
    """Two faces of which the 68 points are labelled, with different confidences."""
    landmarks = np.zeros((2, 89, 3), np.float32)
    landmarks[:, :68, :2] = rng.uniform(20, 80, (2, 68, 2))
    landmarks[:, :68, 2] = rng.uniform(0.5, 1, (2, 68))
    landmarks[:, 68:] = np.nan
    landmarks[:, 68:, 2] = 0
    return landmarks


def test_the_five_points_are_made_of_the_68(landmarks):
    five = with_five_points(landmarks)
    for place, points in ((LEFT_EYE, slice(36, 42)), (RIGHT_EYE, slice(42, 48))):
        expected = landmarks[:, points, :2].mean(axis=1)
        np.testing.assert_allclose(five[:, place, :2], expected, rtol=1e-6)
        np.testing.assert_array_equal(five[:, place, 2], landmarks[:, points, 2].min(axis=1))
    for place, point in ((NOSE, 30), (LEFT_MOUTH, 48), (RIGHT_MOUTH, 54)):
        np.testing.assert_array_equal(five[:, place], landmarks[:, point])
    others = np.setdiff1d(np.arange(89), FIVE_POINTS)
    np.testing.assert_array_equal(five[:, others], landmarks[:, others])


def test_five_points_that_are_labelled_stay(landmarks):
    landmarks[0, NOSE] = [1, 2, 0.25]
    five = with_five_points(landmarks)
    assert five[0, NOSE].tolist() == [1, 2, 0.25]
    np.testing.assert_array_equal(five[1, NOSE], landmarks[1, 30])


def test_an_eye_of_which_a_point_is_missing_has_no_centre(landmarks):
    landmarks[0, 38] = np.nan
    landmarks[1, 38, 2] = 0
    five = with_five_points(landmarks)
    assert not (five[:, LEFT_EYE, 2] > 0).any()
    assert (five[:, RIGHT_EYE, 2] > 0).all()


def test_other_points_are_not_made(landmarks):
    for only in (None, (NOSE,), range(68)):
        assert Supervision(only_points=only).labels(landmarks) is landmarks


def test_training_on_five_points_of_faces_with_68_has_labels(landmarks):
    crops = FaceCrops(np.zeros((2, 96, 96, 3), np.uint8), landmarks, crop_side=64.0)
    settings = {"image_size": 64, "batch_size": 2, "augmentation": False}
    config = with_settings(recipe("compact"), settings)
    supervision = Supervision(only_points=FIVE_POINTS)
    _, labels = next(iter(training_batches(crops, config, supervision=supervision)))
    labelled = labels["landmarks"].numpy()[..., 2] > 0
    assert np.flatnonzero(labelled.all(axis=0)).tolist() == list(FIVE_POINTS)
    assert np.flatnonzero(labelled.any(axis=0)).tolist() == list(FIVE_POINTS)
