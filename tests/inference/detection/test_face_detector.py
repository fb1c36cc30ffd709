import copy
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.detection import FaceDetector, FoundFaces, interpreters
from keras_3dmmstn.inference.detection.face_detector import joint_score
from tests.support.portraits import PORTRAIT_BOX, astronaut, on_canvas, portrait, turned


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


def scaled(picture, scale):
    """A picture and the portrait's box in it."""
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=method), PORTRAIT_BOX * scale


def overlap(box, other):
    """Intersection over union."""
    low, high = np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])
    common = np.prod(np.maximum(high - low, 0))
    areas = [np.prod(each[2:] - each[:2]) for each in (box, other)]
    return common / (sum(areas) - common)


def assert_equal(found, expected):
    for name in ("boxes", "scores", "rolls"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_the_box_is_that_of_the_landmarks(detector):
    found = detector.find(portrait())
    assert isinstance(found, FoundFaces) and len(found) == 1
    assert found.boxes.dtype == np.float64
    assert overlap(found.boxes[0], PORTRAIT_BOX) > 0.8
    assert found.scores[0] > 0.9 and abs(found.rolls[0]) < 0.1


@pytest.mark.parametrize("degrees", range(0, 360, 30))
def test_a_face_turned_by_any_angle_is_found_with_its_roll(detector, degrees):
    picture, matrix = turned(portrait(), degrees)
    (roll,) = detector.find(picture).rolls
    assert abs(np.angle(np.exp(1j * (roll - np.deg2rad(degrees))))) < np.deg2rad(12)
    (box,) = detector.find(picture).boxes
    middle = matrix @ [*PORTRAIT_BOX.reshape(2, 2).mean(axis=0), 1]
    assert np.abs(box.reshape(2, 2).mean(axis=0) - middle).max() < 12
    # At any angle about as large: a corner of the upright box does not stick out.
    assert 75 < np.sqrt(np.prod(box[2:] - box[:2])) < 125


@pytest.mark.parametrize("size", [32, 64, 128, 320, 1000])
def test_a_face_of_any_size_is_found(detector, size):
    picture, box = scaled(portrait(), size / 92.5)
    found = detector.find(picture)
    assert len(found) == 1 and overlap(found.boxes[0], box) > 0.7


def test_smaller_faces_are_found_on_request():
    picture, box = scaled(portrait(), 16 / 92.5)
    canvas = on_canvas([(picture, (300, 200))], 480, 640)
    found = FaceDetector(smallest=12).find(canvas)
    assert len(found) == 1 and overlap(found.boxes[0], box + [300, 200, 300, 200]) > 0.5


def test_the_largest_face_comes_first_and_one_upside_down_is_found_among_others(detector):
    small, _ = scaled(astronaut(), 0.3)
    large, _ = scaled(portrait(), 1.5)
    upside_down = np.ascontiguousarray(portrait()[::-1, ::-1])
    places = [(small, (10, 10)), (upside_down, (120, 100)), (large, (400, 50))]
    found = detector.find(on_canvas(places, 480, 800))
    sizes = np.prod(found.boxes[:, 2:] - found.boxes[:, :2], axis=1)
    assert len(found) == 3 and (np.diff(sizes) < 0).all()
    middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    expected = [[603, 250], [120 + 120, 100 + 122], [58, 57]]
    np.testing.assert_allclose(middles, expected, atol=12)
    np.testing.assert_allclose(np.abs(found.rolls), [0, np.pi, 0], atol=0.2)


@pytest.mark.parametrize("size", [64, 72])
def test_all_faces_of_a_crowd_are_found_that_the_search_is_not_sure_of(detector, size):
    image = astronaut()
    x0, y0, x1, y1 = detector.find(image).boxes[0].astype(int)
    margin = int(0.6 * (x1 - x0))
    head = image[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin]
    head = cv2.resize(head, (size, size), interpolation=cv2.INTER_AREA)
    assert len(detector.find(np.tile(head, (6, 10, 1)))) == 60


def test_photographs_of_two_formats_by_turns_need_no_new_plans_of_the_memory(monkeypatch):
    detector, made = FaceDetector(), []
    make = interpreters._make_interpreter
    monkeypatch.setattr(interpreters, "_make_interpreter", lambda *a: made.append(a) or make(*a))
    small, _ = scaled(portrait(), 0.2)  # the search alone is not sure of it
    images = [on_canvas([(small, (300, 300))], *size) for size in [(900, 1200), (1200, 900)]]
    for image in images * 2:
        assert len(detector.find(image)) == 1
    shapes = [shape for _, shape, _ in made]
    assert (1, 97, 97, 3) in shapes and len(shapes) == len(set(shapes))


def test_pictures_without_a_face_have_none(detector, rng):
    pictures = [
        np.full((480, 640, 3), 128, np.uint8),
        np.zeros((100, 100, 3), np.uint8),
        rng.integers(0, 256, (480, 640, 3), dtype=np.uint8),
        cv2.resize(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8), (640, 480)),
    ]
    for picture in pictures:
        found = detector.find(picture)
        assert len(found) == 0
        assert found.boxes.shape == (0, 4) and found.scores.shape == found.rolls.shape == (0,)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 2), (7, 31), (33, 65), (3000, 4000)])
def test_pictures_of_odd_shapes_do_no_harm(detector, shape):
    assert len(detector.find(np.full((*shape, 3), 90, np.uint8))) == 0


def test_a_grey_photograph_will_do(detector):
    grey = np.repeat(portrait().mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert overlap(detector.find(grey).boxes[0], PORTRAIT_BOX) > 0.7


def test_a_view_of_an_array_will_do(detector):
    wide = np.repeat(portrait(), 2, axis=1)
    assert_equal(detector.find(wide[:, ::2]), detector.find(portrait()))


def test_what_was_searched_before_does_not_matter(detector):
    expected = detector.find(portrait())
    noisy = np.random.default_rng(0).integers(0, 256, (250, 250, 3), dtype=np.uint8)
    detector.find(noisy)  # needs the same memory
    assert_equal(detector.find(portrait()), expected)


def test_the_least_score_drops_faces():
    assert len(FaceDetector(least_score=1).find(portrait())) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"smallest": 0},
        {"smallest": "x"},
        {"least_score": 1.1},
        {"least_score": -0.1},
        {"threads": 0},
        {"threads": None},
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments):
    with pytest.raises(ValueError, match=r"FaceDetector expects smallest > 0, .* received"):
        FaceDetector(**arguments)


def test_threads_find_what_one_finds(detector):
    pictures = [portrait(), astronaut(), turned(portrait(), 90)[0], scaled(portrait(), 0.6)[0]] * 3
    expected = [detector.find(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        for found, one in zip(pool.map(detector.find, pictures), expected, strict=True):
            assert_equal(found, one)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_and_pickles_find_the_same(copied):
    detector = FaceDetector(smallest=40, least_score=0.5)
    expected = detector.find(portrait())
    assert len(pickle.dumps(detector)) < 10_000
    twin = copied(detector)
    assert (twin.smallest, twin.least_score, twin.threads) == (40, 0.5, 1)
    assert_equal(twin.find(portrait()), expected)


def test_nothing_that_is_set_in_keras_matters(detector):
    code = (
        "import keras\n"
        "keras.mixed_precision.set_global_policy('mixed_float16')\n"
        "keras.config.set_image_data_format('channels_first')\n"
        "keras.config.set_floatx('float64')\n"
        "from keras_3dmmstn.inference.detection import FaceDetector\n"
        "from tests.support.portraits import portrait\n"
        "print(*FaceDetector().find(portrait()).boxes[0])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    box = np.array(run.stdout.split(), float)
    np.testing.assert_array_equal(box, detector.find(portrait()).boxes[0])


def test_neither_keras_nor_tensorflow_is_needed():
    code = (
        "import sys\n"
        "from keras_3dmmstn.inference.detection import FaceDetector\n"
        "from tests.support.portraits import portrait\n"
        "assert len(FaceDetector().find(portrait())) == 1\n"
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def found_with_looks(picture, monkeypatch):
    """What a detector finds in a picture, and with which turns it looks at places."""
    detector, turns = FaceDetector(), []
    look = detector._look

    def counted(image, box, turn):
        turns.append(turn)
        return look(image, box, turn)

    monkeypatch.setattr(detector, "_look", counted)
    return detector.find(picture), turns


@pytest.mark.parametrize("degrees", [3, -5, 10, 30, 90, 180])
def test_only_what_the_search_does_not_see_upright_is_looked_at(monkeypatch, degrees):
    found, turns = found_with_looks(turned(portrait(), degrees)[0], monkeypatch)
    assert len(found) == 1 and found.scores[0] > 0.95
    assert bool(turns) == (abs(degrees) > 10)


def test_a_plain_face_is_framed_as_a_look_frames_it(monkeypatch):
    plain = FaceDetector().find(portrait())
    monkeypatch.setattr("keras_3dmmstn.inference.detection.face_detector.PLAIN", 1.1)
    looked = FaceDetector().find(portrait())
    assert 0.85 < overlap(plain.boxes[0], looked.boxes[0]) < 1
    assert abs(plain.rolls[0] - looked.rolls[0]) < np.deg2rad(8)
    assert abs(plain.scores[0] - looked.scores[0]) < 0.02


def test_the_joint_score_grows_with_both():
    assert joint_score(0.5, 0.5) == pytest.approx(1 / (1 + np.exp(1.935)))
    assert joint_score(0.9, 0.5) > joint_score(0.5, 0.5) < joint_score(0.5, 0.9)
    assert 0 <= joint_score(0.0, 0.0) < 1e-6 and 1 - 1e-6 < joint_score(1.0, 1.0) <= 1
