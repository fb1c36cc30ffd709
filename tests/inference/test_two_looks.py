"""Each face is seen twice, and the mean of both looks counts."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from keras_3dmmstn.inference.detection import FoundFaces
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import warp
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.framing import CROP_TO_BOX
from tests.support.portraits import PORTRAIT_BOX, portrait

# Of the networks here, and of the bundled one.
SIZE, SIZE_OF_INPUT = 112, 224
BOX = np.array([60.0, 50.0, 160.0, 150.0])
PHOTOGRAPH = np.full((200, 240, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def normaliser():
    return Normaliser.pretrained()


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((24, 24))


class Answers:
    """A localiser that gives its answers one after the other, whatever it sees."""

    input_shape = (None, SIZE, SIZE, 3)

    def __init__(self, *answers, confidences=None):
        self.answers, self.confidences, self.calls = answers, confidences, 0
        shape = (None, len(answers[0]))
        more = {"confidence": (None, 1), "spread": (None, 68)}
        self.output_shape = shape if confidences is None else {"parameters": shape, **more}

    def __call__(self, images, training=False):
        look, self.calls = self.calls % len(self.answers), self.calls + 1
        answer = np.array([self.answers[look]] * len(images), np.float32)
        if self.confidences is None:
            return answer
        sure = self.confidences[look]
        return {
            "parameters": answer,
            "confidence": np.full((len(images), 1), sure),
            "spread": np.tile(np.linspace(0, 1 - sure, 68), (len(images), 1)),
        }


def answer(rotation=(0.0, 0, 0), translation=(55.5, 55.5), scale=0.6):
    return np.array([*rotation, *translation, np.log(scale), *np.zeros(6)])


def upright_crop(landmarks, rotation):
    """The similarity to the second crop, step by step: turned upright, then framed by its box."""
    down = Rotation.from_rotvec(rotation).as_matrix()[:2, 1]
    roll = np.arctan2(-down[0], down[1])
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    upright = np.array([turn @ point for point in landmarks])
    low, high = upright.min(axis=0), upright.max(axis=0)
    scale = SIZE_OF_INPUT / (CROP_TO_BOX * max(high - low))
    shift = (SIZE_OF_INPUT - 1) / 2 - scale * (low + high) / 2
    return np.column_stack([scale * turn, shift])


def test_the_mean_of_two_looks_is_that_of_the_steps_one_by_one(normaliser):
    image = portrait()
    middle = PORTRAIT_BOX.reshape(2, 2).mean(axis=0)
    zoom = SIZE_OF_INPUT / (CROP_TO_BOX * (PORTRAIT_BOX[2:] - PORTRAIT_BOX[:2]).max())
    to_first = np.column_stack([zoom * np.eye(2), (SIZE_OF_INPUT - 1) / 2 - zoom * middle])
    first = normaliser.fit(warp(image, to_first, SIZE_OF_INPUT)[None])
    theta = first.parameters[0].astype(float)
    between = upright_crop(first.landmarks("ibug68")[0].astype(float), theta[:3])
    to_second = np.column_stack(
        [between[:, :2] @ to_first[:, :2], between[:, :2] @ to_first[:, 2] + between[:, 2]]
    )
    second = normaliser.fit(warp(image, to_second, SIZE_OF_INPUT)[None]).parameters[0].astype(float)
    # Back to the first crop: the same place, as large, turned as it was.
    scale = np.sqrt(np.linalg.det(between[:, :2]))
    turn = np.eye(3)
    turn[:2, :2] = between[:, :2].T / scale
    rotations = Rotation.concatenate(
        [
            Rotation.from_rotvec(theta[:3]),
            Rotation.from_matrix(turn) * Rotation.from_rotvec(second[:3]),
        ]
    )
    place = np.linalg.solve(between[:, :2], second[3:5] - between[:, 2])
    rest = np.concatenate([place, [second[5] - np.log(scale)], second[6:]])
    mean = 0.4 * theta + 0.6 * np.concatenate([np.zeros(3), rest])
    mean[:3] = Slerp([0, 1], rotations)(0.6).as_rotvec()
    # To pixels of the photograph.
    mean[3:5] = (mean[3:5] - to_first[:, 2]) / zoom
    mean[5] -= np.log(zoom)
    np.testing.assert_allclose(normaliser.regress(image, [PORTRAIT_BOX])[0], mean, atol=2e-3)
    (face,) = normaliser(image, [PORTRAIT_BOX])
    np.testing.assert_allclose(face.parameters["identity"], mean[6:46], atol=2e-3)
    np.testing.assert_array_equal(face.box, PORTRAIT_BOX)


def test_landmarks_depend_less_on_the_box(normaliser):
    once = Normaliser.pretrained(looks=1)
    moves = np.random.default_rng(0).uniform(-8, 8, (12, 4))
    spreads = [
        np.std([one(portrait(), [PORTRAIT_BOX + move])[0].landmarks() for move in moves], axis=0)
        for one in (normaliser, once)
    ]
    assert spreads[0].mean() < 0.6 * spreads[1].mean()


def test_one_look_is_that_of_the_crop():
    once = Normaliser.pretrained(looks=1)
    zoom = SIZE_OF_INPUT / (CROP_TO_BOX * (PORTRAIT_BOX[2:] - PORTRAIT_BOX[:2]).max())
    middle = PORTRAIT_BOX.reshape(2, 2).mean(axis=0)
    matrix = np.column_stack([zoom * np.eye(2), (SIZE_OF_INPUT - 1) / 2 - zoom * middle])
    theta = once.fit(warp(portrait(), matrix, SIZE_OF_INPUT)[None]).parameters[0]
    np.testing.assert_allclose(
        once.regress(portrait(), [PORTRAIT_BOX])[0][6:], theta[6:], atol=1e-5
    )


def test_confidence_and_spread_are_the_means_of_both(grid_model):
    localiser = Answers(answer(), answer(), confidences=(0.5, 1.0))
    (face,) = Normaliser(localiser, grid_model)(PHOTOGRAPH, [BOX])
    assert localiser.calls == 2
    assert face.confidence == pytest.approx(0.4 * 0.5 + 0.6 * 1.0)
    np.testing.assert_allclose(face.spread, 0.4 * np.linspace(0, 0.5, 68), atol=1e-6)


@pytest.mark.parametrize(("first", "yaw", "confidence"), [(0.0, 0.8, 1.0), (0.4, 0.64, 0.68)])
def test_a_first_look_that_saw_another_pose_does_not_count(first, yaw, confidence, grid_model):
    looks = answer(rotation=(0, first, 0)), answer(rotation=(0, 0.8, 0))
    localiser = Answers(*looks, confidences=(0.2, 1.0))
    (face,) = Normaliser(localiser, grid_model)(PHOTOGRAPH, [BOX])
    np.testing.assert_allclose(face.parameters["rotation"], [0, yaw, 0], atol=1e-5)
    assert face.confidence == pytest.approx(confidence)
    np.testing.assert_allclose(face.spread, np.linspace(0, 1 - confidence, 68), atol=1e-6)


def test_with_a_perspective_camera_a_given_box_is_seen_once(grid_model):
    localiser = Answers(answer(), answer())
    Normaliser(localiser, grid_model, focal_length=3.0)(PHOTOGRAPH, [BOX])
    assert localiser.calls == 1
    # But twice if the face is turned, and the second look counts.
    localiser = Answers(answer(), answer(rotation=(0, 0.3, 0)))
    (face,) = Normaliser(localiser, grid_model, focal_length=3.0)(PHOTOGRAPH, [BOX], [0.2])
    assert localiser.calls == 2
    assert np.linalg.norm(face.parameters["rotation"]) > 0.29


def test_landmarks_of_no_size_are_no_frame(grid_model):
    speck = answer(scale=1e-4)
    (face,) = Normaliser(Answers(speck, speck), grid_model)(PHOTOGRAPH, [BOX])
    # Seen in the same crop again: the same answer, and so the same mean.
    np.testing.assert_allclose(np.ptp(face.points, axis=0), 0, atol=0.1)


class FindsOneFace:
    """A detector that always finds the same face."""

    def find(self, image):
        return FoundFaces(BOX[None], np.array([0.9]), np.array([0.2]))


@pytest.mark.parametrize(("log_scale", "focal_length"), [(1e4, None), (-9, None), (-9, 3.0)])
@pytest.mark.filterwarnings("error")
def test_landmarks_of_no_face_are_no_box(log_scale, focal_length, grid_model):
    first = answer(rotation=(0, 1, 0))  # of another pose: the second look counts alone
    first[5] = log_scale
    normaliser = Normaliser(
        Answers(first, answer()), grid_model, focal_length=focal_length, detector=FindsOneFace()
    )
    (face,) = normaliser(PHOTOGRAPH)
    np.testing.assert_array_equal(face.box, BOX)
    assert np.ptp(face.points, axis=0).min() > 10


@pytest.mark.parametrize("confidences", [(-1.0, 0.9), (0.9, 1.05)])
def test_each_look_has_a_probability(confidences, grid_model):
    localiser = Answers(answer(), answer(), confidences=confidences)
    with pytest.raises(ValueError, match=r"a probability from 0 to 1, received (-1|1\.05):"):
        Normaliser(localiser, grid_model)(PHOTOGRAPH, [BOX])


def test_faces_of_a_batch_are_seen_as_one_by_one(normaliser):
    boxes = [PORTRAIT_BOX, PORTRAIT_BOX + [6, -4, 10, 8]]
    both = normaliser(portrait(), boxes)
    for face, box in zip(both, boxes, strict=True):
        (one,) = normaliser(portrait(), [box])
        np.testing.assert_allclose(face.points, one.points, atol=1e-3)


@pytest.mark.parametrize("looks", [0, 3, 2.0, True, None, "2"])
def test_another_number_of_looks_is_refused(looks, grid_model):
    with pytest.raises(ValueError, match="Expected looks 1 or 2, received"):
        Normaliser(Answers(answer()), grid_model, looks=looks)
