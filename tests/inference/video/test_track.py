"""Faces followed through frames: numbers, losses, cuts, times, and what is said of each."""

from dataclasses import replace

import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.video import face_tracker
from keras_3dmmstn.inference.video.face_tracker import FaceTracker
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.detectors import DetectorThatSays
from tests.support.portraits import astronaut, on_canvas, portrait, turned
from tests.support.small_network import small_normaliser
from tests.support.videos import moving_portrait

GREY = np.full((320, 360, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def normaliser():
    return Normaliser.pretrained()


class CountingDetector:
    """A detector that counts how often it is asked."""

    def __init__(self, detector):
        self._detector, self.count = detector, 0

    def find(self, image):
        self.count += 1
        return self._detector.find(image)


@pytest.fixture
def detector(normaliser, monkeypatch):
    counting = CountingDetector(normaliser.detector)
    monkeypatch.setattr(normaliser, "detector", counting)
    return counting


def numbers_in(frames):
    return [sorted(frame.faces) for frame in frames]


def test_a_face_is_followed_and_found_once(normaliser, detector):
    frames = list(normaliser.track(moving_portrait(8)))
    assert numbers_in(frames) == [[1]] * 8
    assert detector.count == 1
    assert [frame.faces[1].score is None for frame in frames] == [False] + [True] * 7
    middles = np.array([frame.faces[1].landmarks().mean(axis=0) for frame in frames])
    np.testing.assert_allclose(np.diff(middles, axis=0), np.tile([3, 1], (7, 1)), atol=0.5)


def test_frames_come_with_their_numbers_times_and_pictures(normaliser):
    pictures = moving_portrait(4)
    frames = list(normaliser.track(pictures, rate=50))
    assert [frame.number for frame in frames] == [0, 1, 2, 3]
    np.testing.assert_allclose([frame.time for frame in frames], [0, 0.02, 0.04, 0.06])
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.image, picture)


def test_without_smoothing_a_face_is_that_of_its_own_frame(normaliser):
    pictures = moving_portrait(3)
    frames = list(normaliser.track(pictures, smoothing=0))
    for frame, picture in zip(frames, pictures, strict=True):
        (alone,) = normaliser(picture)
        # They were looked for in different boxes. The face is 94 pixels wide.
        moved = np.linalg.norm(frame.faces[1].landmarks() - alone.landmarks(), axis=1)
        assert moved.mean() < 0.8 and moved.max() < 2
        difference = np.abs(frame.faces[1].texture.astype(int) - alone.texture)
        assert difference[frame.faces[1].mask & alone.mask].mean() < 8


def test_smoothing_takes_noise_out(normaliser):
    rng = np.random.default_rng(0)
    still = moving_portrait(12, step=(0, 0))
    noisy = [np.clip(f + rng.normal(0, 25, f.shape), 0, 255).astype(np.uint8) for f in still]

    def jitter(smoothing):
        frames = normaliser.track(noisy, smoothing=smoothing)
        points = np.array([frame.faces[1].landmarks() for frame in frames])[1:-1]
        return np.sqrt((np.diff(points, 2, axis=0) ** 2).sum(axis=-1).mean())

    assert jitter(1.0) < 0.5 * jitter(0.0)


def test_a_smoothed_face_is_whole(normaliser):
    """Parameters, vertices and points belong together, as for a photograph's face."""
    face = list(normaliser.track(moving_portrait(3)))[1].faces[1]
    posed = face.vertices @ face.rotation_matrix.T
    points = np.exp(face.parameters["log_scale"]) * posed[:, :2] + face.parameters["translation"]
    np.testing.assert_allclose(points, face.points, atol=0.02)
    assert face.front_view(64).shape == (64, 64, 3)


def test_a_fast_face_is_followed(normaliser, detector):
    frames = list(normaliser.track(moving_portrait(4, step=(30, 10), size=(400, 500))))
    assert numbers_in(frames) == [[1]] * 4
    assert detector.count == 1
    middles = np.array([frame.faces[1].landmarks().mean(axis=0) for frame in frames])
    np.testing.assert_allclose(np.diff(middles, axis=0), np.tile([30, 10], (3, 1)), atol=2)


def test_a_face_that_turns_in_the_plane_is_followed(normaliser, detector):
    pictures = [turned(on_canvas([(portrait(), (52, 32))], 320, 360), angle)[0]
                for angle in range(0, 181, 15)]  # fmt: skip
    frames = list(normaliser.track(pictures))
    assert numbers_in(frames) == [[1]] * len(pictures)
    rolls = [frame.faces[1].roll for frame in frames]
    np.testing.assert_allclose(
        np.cos(np.subtract(rolls, np.radians(range(0, 181, 15)))), 1, atol=0.05
    )


def test_a_face_that_comes_back_at_once_keeps_its_number(normaliser):
    there = moving_portrait(1)[0]
    frames = list(normaliser.track([there] * 3 + [GREY] * 4 + [there] * 6))
    numbers = numbers_in(frames)
    assert numbers[:3] == [[1]] * 3
    assert numbers[3:7] == [[]] * 4
    assert numbers[-1] == [1]


def test_a_face_that_comes_back_late_is_another(normaliser):
    there = moving_portrait(1)[0]
    frames = [(0.0, there), (0.04, GREY), (0.08, GREY), (2.0, there)]
    assert numbers_in(normaliser.track(frames)) == [[1], [], [], [2]]


def test_at_a_cut_faces_are_others(normaliser):
    first, second = portrait(), astronaut()[:256, :256]
    frames = list(normaliser.track([first] * 3 + [second] * 3))
    assert numbers_in(frames) == [[1]] * 3 + [[2]] * 3
    assert [frame.is_cut for frame in frames] == [False] * 3 + [True, False, False]


def test_nothing_is_smoothed_across_a_cut(normaliser):
    first, second = portrait(), astronaut()[:256, :256]
    frames = list(normaliser.track([first] * 3 + [second] * 3))
    raw = list(normaliser.track([first] * 3 + [second] * 3, smoothing=0))
    for number in (2, 3):
        (one,), (other,) = frames[number].faces.values(), raw[number].faces.values()
        np.testing.assert_array_equal(one.points, other.points)


def test_two_faces_have_numbers_of_their_own(normaliser):
    small = portrait()[::2, ::2]

    def picture(k):
        return on_canvas([(portrait(), (0, 20)), (small, (300 - 4 * k, 60))], 300, 460)

    frames = list(normaliser.track([picture(k) for k in range(5)]))
    assert numbers_in(frames) == [[1, 2]] * 5
    widths = [[np.ptp(face.box[[0, 2]]) for face in frame.faces.values()] for frame in frames]
    assert all(first > 1.5 * second for first, second in widths)


def test_a_face_that_comes_in_is_found(normaliser, detector):
    alone = on_canvas([(portrait(), (0, 20))], 300, 460)
    both = on_canvas([(portrait(), (0, 20)), (portrait()[::2, ::2], (290, 60))], 300, 460)
    frames = list(normaliser.track([alone] * 3 + [both] * 12))
    assert numbers_in(frames)[0] == [1]
    assert numbers_in(frames)[-1] == [1, 2]
    assert detector.count <= 3


def test_two_tracks_never_lie_on_one_face(normaliser):
    wide = on_canvas([(portrait(), (0, 0)), (portrait(), (256, 0))], 256, 512)
    one = on_canvas([(portrait(), (60, 0))], 256, 512)
    frames = list(normaliser.track([wide] * 3 + [one] * 3))
    assert numbers_in(frames)[2] == [1, 2]
    assert all(len(numbers) <= 1 for numbers in numbers_in(frames)[3:])


def test_without_frames_there_is_nothing(normaliser):
    assert list(normaliser.track([])) == []


def test_one_frame_is_enough(normaliser):
    (frame,) = normaliser.track([portrait()])
    assert sorted(frame.faces) == [1]


def test_frames_may_share_an_array(normaliser):
    canvas = np.empty_like(GREY)

    def shared():
        for picture in moving_portrait(3):
            canvas[:] = picture
            yield canvas

    frames = list(normaliser.track(shared()))
    for frame, picture in zip(frames, moving_portrait(3), strict=True):
        np.testing.assert_array_equal(frame.image, picture)


def test_networks_without_confidence_follow_faces_too(monkeypatch):
    normaliser = small_normaliser()
    monkeypatch.setattr(normaliser, "detector", DetectorThatSays([[60, 60, 160, 160]]))
    first, _ = frames = list(normaliser.track([portrait()] * 2))
    assert numbers_in(frames)[0] == [1]
    assert first.faces[1].confidence is None and first.faces[1].spread is None


def test_faces_that_are_followed_have_confidence_and_spread(monkeypatch):
    normaliser = small_normaliser(confidence=True)
    monkeypatch.setattr(face_tracker, "_LEAST_CONFIDENCE", 0.0)
    monkeypatch.setattr(normaliser, "detector", DetectorThatSays([[60, 60, 160, 160]]))
    first, _ = list(normaliser.track([portrait()] * 2))
    assert 0 < first.faces[1].confidence < 1
    assert first.faces[1].spread.shape == (68,) and (first.faces[1].spread > 0).all()


def test_a_face_model_without_the_landmarks_is_named():
    grid_model = replace(toy_grid_model((16, 12)), landmarks={})
    with pytest.raises(ValueError, match=r"Videos need a face model with the 68 landmarks .*one: "):
        small_normaliser(grid_model).track([])


def test_wrong_arguments_are_named_before_the_first_frame(normaliser):
    with pytest.raises(ValueError, match="strength of smoothing"):
        normaliser.track([], smoothing=2)
    with pytest.raises(ValueError, match="frames a second"):
        normaliser.track([], rate=-1)


def test_a_face_outside_of_the_frame_is_lost(normaliser):
    tracker = FaceTracker(normaliser._fitter, normaliser.detector)
    there = moving_portrait(1)[0]
    assert list(tracker(there, 0.0)) == [1]
    assert tracker(GREY, 0.04) == {}
