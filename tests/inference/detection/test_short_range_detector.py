import copy
import pickle

import numpy as np
import pytest

from keras_3dmmstn.inference.detection import FaceDetector, FoundFaces, ShortRangeDetector
from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.portraits import PORTRAIT_BOX, astronaut, on_canvas, portrait, turned


@pytest.fixture(scope="module")
def detector():
    return ShortRangeDetector()


def shares(box, other):
    """Intersection over union."""
    low, high = np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])
    common = np.prod(np.maximum(high - low, 0))
    areas = [np.prod(each[2:] - each[:2]) for each in (box, other)]
    return common / (sum(areas) - common)


def test_the_box_is_that_of_the_landmarks(detector):
    found = detector.find(portrait())
    assert isinstance(found, FoundFaces) and len(found) == 1
    assert shares(found.boxes[0], PORTRAIT_BOX) > 0.75
    assert found.scores[0] > 0.8 and abs(found.rolls[0]) < 0.15


@pytest.mark.parametrize("degrees", [-45, -20, 20, 45])
def test_a_face_that_leans_is_found_with_its_roll(detector, degrees):
    picture, matrix = turned(portrait(), degrees)
    found = detector.find(picture)
    assert len(found) == 1
    np.testing.assert_allclose(np.rad2deg(found.rolls[0]), degrees, atol=12)
    middle = matrix @ [*PORTRAIT_BOX.reshape(2, 2).mean(axis=0), 1]
    assert np.abs(found.boxes[0].reshape(2, 2).mean(axis=0) - middle).max() < 15


@pytest.mark.parametrize("corner", [(0, 0), (384, 10), (200, 224)])
def test_a_face_is_found_anywhere_in_a_wide_photograph(detector, corner):
    canvas = on_canvas([(portrait(), corner)], 480, 640)
    (box,) = detector.find(canvas).boxes
    assert shares(box, PORTRAIT_BOX + np.tile(corner, 2)) > 0.6


def test_several_faces_come_with_the_largest_first(detector):
    canvas = on_canvas([(astronaut(), (0, 0)), (portrait(), (320, 0))], 320, 576)
    found, expected = detector.find(canvas), FaceDetector().find(canvas)
    assert len(found) == len(expected) == 2
    assert np.prod(found.boxes[0, 2:] - found.boxes[0, :2]) >= np.prod(
        found.boxes[1, 2:] - found.boxes[1, :2]
    )
    for box in expected.boxes:
        assert max(shares(box, other) for other in found.boxes) > 0.6


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (7, 31), (3000, 4000)])
def test_pictures_without_a_face_have_none(detector, shape):
    found = detector.find(np.full((*shape, 3), 90, np.uint8))
    assert len(found) == 0 and found.boxes.shape == (0, 4)


def test_a_normaliser_takes_it(detector):
    (face,) = Normaliser.pretrained(detector=detector)(portrait())
    (expected,) = Normaliser.pretrained()(portrait())
    assert np.abs(face.landmarks() - expected.landmarks()).mean() < 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_find_the_same(detector, copied):
    found, expected = copied(detector).find(portrait()), detector.find(portrait())
    np.testing.assert_array_equal(found.boxes, expected.boxes)


def test_the_least_score_drops_faces():
    assert len(ShortRangeDetector(least_score=1).find(portrait())) == 0


@pytest.mark.parametrize("arguments", [{"least_score": 1.1}, {"least_score": "x"}, {"threads": 0}])
def test_arguments_that_mean_nothing_are_refused(arguments):
    with pytest.raises(ValueError, match=r"ShortRangeDetector expects least_score .* received"):
        ShortRangeDetector(**arguments)
