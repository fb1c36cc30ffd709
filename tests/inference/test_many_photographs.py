"""Several photographs at once, one after the other, in threads and in other processes."""

import copy
import itertools
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import keras
import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.detectors import DetectorThatSays
from tests.support.small_network import small_normaliser

BOX = [60.0, 50.0, 160.0, 150.0]


@pytest.fixture(scope="module")
def normaliser():
    small = small_normaliser()
    detector = DetectorThatSays([BOX, [20, 20, 90, 100]], rolls=[0.0, 0.3])
    return Normaliser(small.localiser, small.grid_model, detector=detector)


@pytest.fixture
def photographs(rng):
    shapes = [(200, 240, 3), (180, 200, 3), (400, 300), (200, 240, 3), (170, 170, 4)]
    return [rng.integers(0, 256, shape, np.uint8) for shape in shapes]


def assert_same(faces, expected):
    assert len(faces) == len(expected)
    for face, other in zip(faces, expected, strict=True):
        for name in ("texture", "mask", "points", "vertices", "box"):
            np.testing.assert_array_equal(getattr(face, name), getattr(other, name))


def test_a_batch_gives_what_each_photograph_gives(normaliser, photographs):
    batch = normaliser.normalise_batch(photographs)
    for photograph, source in zip(batch, photographs, strict=True):
        assert photograph.source is source and photograph.error is None
        assert photograph.image.shape == (*source.shape[:2], 3)
        assert_same(photograph.faces, normaliser(source))


def test_more_faces_than_the_network_takes_at_once_come_in_their_order(
    normaliser, photographs, monkeypatch
):
    rolls = [0.0, 0.4, -0.2, 0.0, 1.0]
    boxes = [[60.0 + 5 * number, 50, 160, 150] for number in range(5)]
    given = photographs[:2], [boxes, boxes[:2]], [rolls, None]
    expected = normaliser.normalise_batch(*given)
    monkeypatch.setattr("keras_3dmmstn.inference.normaliser._AT_ONCE", 3)
    for photograph, other in zip(normaliser.normalise_batch(*given), expected, strict=True):
        assert_same(photograph.faces, other.faces)


def test_boxes_and_rolls_go_with_their_photographs(normaliser, photographs):
    boxes = [[BOX], None, [], [BOX, [30, 30, 90, 90]], [BOX]]
    rolls = [[0.2], None, None, None, [3.0]]
    given = {"boxes": boxes, "rolls": rolls}
    for run in (normaliser.normalise_batch, normaliser.stream):
        together = list(run(photographs, **given))
        assert [len(photograph.faces) for photograph in together] == [1, 2, 0, 2, 1]
        for photograph, *arguments in zip(together, photographs, boxes, rolls, strict=True):
            assert_same(photograph.faces, normaliser(*arguments))


@pytest.mark.parametrize("run", ["normalise_batch", "stream"])
def test_an_error_belongs_to_its_photograph(run, normaliser, photographs, tmp_path):
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"no image")
    given = [photographs[0], damaged, "missing.png", photographs[1].astype(float), photographs[3]]
    boxes = [[BOX], None, None, None, [[900, 900, 950, 950]]]
    results = list(getattr(normaliser, run)(given, boxes))
    errors = [type(result.error) for result in results]
    assert errors == [type(None), ValueError, FileNotFoundError, TypeError, ValueError]
    assert_same(results[0].faces, normaliser(photographs[0], [BOX]))
    with pytest.raises(ValueError, match=r"damaged\.jpg: expected an image"):
        _ = results[1].faces
    assert results[4].image is not None and results[1].image is None


@pytest.mark.parametrize("run", ["normalise_batch", "stream"])
def test_as_many_boxes_as_photographs_are_expected(run, normaliser, photographs):
    for boxes in ([[BOX]], [[BOX]] * 7):
        with pytest.raises(ValueError, match="as many boxes and rolls as photographs"):
            list(getattr(normaliser, run)(photographs, boxes))


def test_an_empty_batch_is_none(normaliser):
    assert normaliser.normalise_batch([]) == []
    assert list(normaliser.stream([])) == []


def test_a_stream_takes_photographs_as_it_needs_them(normaliser, photographs):
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(number)
            yield photographs[number % 5]

    stream = normaliser.stream(endless(), workers=2)
    assert not taken
    for number in range(3):
        assert_same(next(stream).faces, normaliser(photographs[number]))
    assert len(taken) <= 3 + 2 * 2
    stream.close()
    with pytest.raises(ValueError, match=r"at least one worker.* received 0"):
        normaliser.stream([], workers=0)


def test_threads_get_equal_results(normaliser, photographs):
    expected = [normaliser(photograph) for photograph in photographs]
    with ThreadPoolExecutor(8) as pool:
        for faces, other in zip(pool.map(normaliser, photographs * 6), expected * 6, strict=True):
            assert_same(faces, other)


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, copy.copy, lambda n: pickle.loads(pickle.dumps(n))]
)
def test_copies_give_equal_results(duplicate, normaliser, photographs):
    twin = duplicate(normaliser)
    assert_same(twin(photographs[0]), normaliser(photographs[0]))
    assert twin.texture_size == normaliser.texture_size and twin.camera == normaliser.camera


def test_a_face_can_be_pickled(normaliser, photographs):
    (face, _) = normaliser(photographs[0])
    twin = pickle.loads(pickle.dumps(face))
    np.testing.assert_array_equal(twin.texture, face.texture)
    np.testing.assert_array_equal(twin.landmarks(), face.landmarks())


def test_a_spawned_process_gives_equal_results(normaliser, photographs):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        faces = pool.submit(normaliser, photographs[0]).result()
    assert_same(faces, normaliser(photographs[0]))


def test_a_localiser_that_litert_cannot_run_runs_in_tensorflow(photographs):
    small = small_normaliser()
    image = keras.Input(small.localiser.input_shape[1:])
    whole = keras.layers.Lambda(lambda x: keras.ops.cast(keras.ops.fft2((x, x))[0], "float32"))(
        image
    )
    theta = small.localiser(image + 0 * whole)
    normaliser = Normaliser(keras.Model(image, theta), small.grid_model)
    (face,), (expected,) = (n(photographs[0], [BOX]) for n in (normaliser, small))
    np.testing.assert_allclose(face.points, expected.points, atol=1e-2)


def test_a_stream_copies_an_array_that_is_used_again(normaliser, rng):
    frames = rng.integers(0, 256, (6, 200, 240, 3), np.uint8)
    buffer = np.empty_like(frames[0])

    def video():
        for frame in frames:
            buffer[:] = frame
            yield buffer

    for photograph, frame in zip(normaliser.stream(video()), frames, strict=True):
        assert_same(photograph.faces, normaliser(frame))


def test_an_error_of_the_photographs_comes_after_those_before_it(normaliser, photographs):
    def broken():
        yield from photographs[:3]
        raise RuntimeError("the camera is gone")

    stream = normaliser.stream(broken(), workers=2)
    for photograph in photographs[:3]:
        assert_same(next(stream).faces, normaliser(photograph))
    with pytest.raises(RuntimeError, match="the camera is gone"):
        next(stream)


@pytest.mark.parametrize(
    "box", [[60, 50, 60, 50], [160, 150, 60, 50], [np.nan] * 4, [900, 900, 950, 950]]
)
def test_what_a_detector_says_is_checked(box, normaliser, photographs):
    other = copy.copy(normaliser)
    other.detector = DetectorThatSays([box])
    for run in (other.normalise_batch, other.stream):
        first, second = run(photographs[:2], [None, [BOX]])
        assert isinstance(first.error, ValueError) and "Expected a box" in str(first.error)
        assert len(second.faces) == 1


def test_rolls_go_with_boxes(normaliser, photographs):
    with pytest.raises(ValueError, match="Expected boxes with the rolls"):
        normaliser(photographs[0], rolls=[0.3])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_places_are_in_single_precision_for_a_localiser_in_half(dtype, photographs):
    small = small_normaliser()
    image = keras.Input(small.localiser.input_shape[1:])
    theta = keras.layers.Activation("linear", dtype=dtype)(small.localiser(image))
    (face,) = Normaliser(keras.Model(image, theta), small.grid_model)(photographs[0], [BOX])
    assert {np.asarray(value).dtype for value in face.parameters.values()} == {np.dtype("float32")}
    (other,) = small(photographs[0], [BOX])
    # Numbers up to 48 pixels of the crop, which shows 170 pixels of the photograph, with 8 bits.
    np.testing.assert_allclose(face.points, other.points, atol=2)


@pytest.mark.parametrize("failure", [RuntimeError("no more memory"), KeyError("box")])
def test_a_detector_that_fails_fails_its_photograph(failure, photographs, monkeypatch, normaliser):
    class Failing:
        def find(self, image):
            raise failure

    monkeypatch.setattr(normaliser, "detector", Failing())
    results = list(normaliser.stream(photographs[:2], [None, [BOX]]))
    assert isinstance(results[0].error, ValueError) and results[0].error.__cause__ is failure
    assert len(results[1].faces) == 1


def test_a_detector_cannot_draw_into_the_photograph(photographs, monkeypatch, normaliser):
    class Drawing:
        def find(self, image):
            image[:50] = 0

    photograph = photographs[0].copy()
    monkeypatch.setattr(normaliser, "detector", Drawing())
    with pytest.raises(ValueError, match="read-only"):
        normaliser(photograph)
    np.testing.assert_array_equal(photograph, photographs[0])
    photograph[:50] = 0  # the caller's own array may be written to, as before


@pytest.mark.parametrize("several", ["normalise_batch", "stream"])
def test_the_name_of_one_photograph_is_not_several(several, normaliser):
    with pytest.raises(TypeError, match=r"Expected several photographs, in a list.*'a\.jpg'"):
        list(getattr(normaliser, several)("a.jpg"))
    with pytest.raises(TypeError, match=r"received an array of shape \(50, 60, 3\), which is one"):
        list(getattr(normaliser, several)(np.zeros((50, 60, 3), np.uint8)))


@pytest.mark.parametrize("name", ["localiser", "grid_model", "visibility"])
def test_what_is_compiled_cannot_be_exchanged(name, normaliser):
    with pytest.raises(AttributeError, match=name):
        setattr(normaliser, name, None)
