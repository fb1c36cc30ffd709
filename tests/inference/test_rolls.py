"""Faces that are turned in the plane of the picture come out upright."""

import numpy as np
import pytest

from keras_3dmmstn.inference.boxes import checked_rolls
from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support import portraits
from tests.support.detectors import DetectorThatSays
from tests.support.portraits import PORTRAIT_BOX


@pytest.fixture(scope="module")
def normaliser():
    return Normaliser.pretrained()


@pytest.fixture(scope="module")
def portrait():
    return portraits.portrait()


def turned(image, box, quarters):
    """Returns a picture and a box turned clockwise by quarter turns."""
    for _ in range(quarters):
        x0, y0, x1, y1 = box
        height = image.shape[0]
        image, box = np.rot90(image, -1), np.array([height - 1 - y1, x0, height - 1 - y0, x1])
    return np.ascontiguousarray(image), box


def back(points, shape, quarters):
    """Takes points `(N, 2)` of a turned picture to the picture of shape (height, width, 3)."""
    sides = [shape[:2], shape[1::-1]] * 2
    for height, _ in sides[:quarters][::-1]:
        points = np.stack([points[:, 1], height - 1 - points[:, 0]], axis=1)
    return points


@pytest.mark.parametrize("quarters", [0, 1, 3])
@pytest.mark.parametrize("wrong", [np.pi, -np.pi + 0.2])
def test_a_detector_that_takes_a_face_the_wrong_way_round_is_not_believed(
    wrong, quarters, normaliser, portrait, monkeypatch
):
    image, box = turned(portrait, PORTRAIT_BOX, quarters)
    right = (quarters * np.pi / 2 + np.pi) % (2 * np.pi) - np.pi
    monkeypatch.setattr(normaliser, "detector", DetectorThatSays([box], [right]))
    (expected,) = normaliser(image)
    monkeypatch.setattr(normaliser, "detector", DetectorThatSays([box], [right + wrong]))
    (face,) = normaliser(image)
    assert face.confidence > 0.9
    assert np.cos(face.roll - right) > 0.97
    # Half a percent of the face, and what a tilt by 0.2 rad costs.
    assert np.abs(face.landmarks() - expected.landmarks()).mean() < 1.5


def test_a_turned_face_that_the_network_is_sure_of_is_fitted_once(
    normaliser, portrait, monkeypatch
):
    image, box = turned(portrait, PORTRAIT_BOX, 2)
    monkeypatch.setattr(normaliser, "detector", DetectorThatSays([box], [np.pi]))
    crops = []
    see = normaliser._fitter.answers
    monkeypatch.setattr(normaliser._fitter, "answers", lambda c: crops.append(len(c)) or see(c))
    normaliser(image)
    assert crops == [1, 1, 1]  # as the detector says, and twice as every face


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_photograph_gives_the_same_face(quarters, normaliser, portrait, monkeypatch):
    image, box = turned(portrait, PORTRAIT_BOX, quarters)
    roll = quarters * np.pi / 2
    monkeypatch.setattr(normaliser, "detector", DetectorThatSays([PORTRAIT_BOX]))
    (upright,) = normaliser(portrait)
    (face,) = normaliser(image, [box], [roll])
    landmarks = back(face.landmarks(), portrait.shape, quarters)
    np.testing.assert_allclose(landmarks, upright.landmarks(), atol=0.1)
    difference = np.abs(face.texture.astype(int) - upright.texture)[face.mask & upright.mask]
    assert np.mean(difference) < 1
    np.testing.assert_allclose(np.cos(face.roll - roll), 1, atol=1e-9)
    # θ in the photograph makes the points that it says.
    placed = face.vertices @ face.rotation_matrix.T
    points = np.exp(face.parameters["log_scale"]) * placed[:, :2] + face.parameters["translation"]
    np.testing.assert_allclose(points, face.points, atol=2e-2)


def test_a_roll_of_0_is_no_roll(normaliser, portrait):
    (plain,), (zero,) = (normaliser(portrait, [PORTRAIT_BOX], rolls) for rolls in (None, [0.0]))
    np.testing.assert_array_equal(plain.points, zero.points)
    assert plain.roll == 0 and plain.score is None


def test_score_and_roll_are_the_detectors(normaliser, portrait, monkeypatch):
    detector = DetectorThatSays([PORTRAIT_BOX], rolls=[0.1], scores=[0.75])
    monkeypatch.setattr(normaliser, "detector", detector)
    (face,) = normaliser(portrait)
    assert face.score == 0.75
    np.testing.assert_allclose(face.roll, 0.1)


@pytest.mark.parametrize(
    ("rolls", "message"),
    [([0.1, 0.2], r"each of 1 boxes, received shape \(2,\)"), ([np.nan], "radians"), ("a", "roll")],
)
def test_rolls_that_are_none_are_refused(rolls, message):
    with pytest.raises(ValueError, match=message):
        checked_rolls(rolls, np.zeros((1, 4)))
