"""Reading videos: pictures, times, what is damaged."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_3dmmstn.inference.video import frames
from keras_3dmmstn.inference.video.frames import Camera, VideoFile, timed
from keras_3dmmstn.outside_files import MAX_MEGAPIXELS
from tests.support.videos import (
    numbered_frames,
    slow_down_by_header,
    turn_by_header,
    write_damaged_video,
    write_video,
)


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_frames_come_in_order_with_their_times(ending, tmp_path):
    video = VideoFile(write_video(tmp_path / f"grey{ending}", numbered_frames(), rate=20))
    assert video.rate == 20
    times, pictures = zip(*video, strict=True)
    np.testing.assert_allclose(times, np.arange(10) / 20, atol=1e-3)
    levels = [picture.mean() for picture in pictures]
    np.testing.assert_allclose(levels, 20 + 15 * np.arange(10), atol=4)
    assert (video.damaged, video.missing) == ([], 0)
    assert len(list(video)) == 10, "a second iteration begins at the first frame"


def test_pictures_are_rgb(tmp_path):
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    ((_, picture),) = VideoFile(write_video(tmp_path / "red.mp4", [red]))
    assert picture[..., 0].mean() > 150 > 60 > picture[..., 2].mean()


def test_a_video_that_is_to_be_turned_is_upright(tmp_path):
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, :64] = 255  # the left half becomes the upper one
    path = write_video(tmp_path / "phone.mp4", [wide] * 3)
    turn_by_header(path)
    pictures = [picture for _, picture in VideoFile(path)]
    assert pictures[0].shape == (128, 64, 3)
    assert pictures[0][:60].mean() > 240
    assert pictures[0][68:].mean() < 15


def test_frames_that_are_shown_longer_have_their_own_times(tmp_path):
    path = write_video(tmp_path / "uneven.mp4", numbered_frames(8), rate=25)
    slow_down_by_header(path, 4)
    times = [time for time, _ in VideoFile(path)]
    steps = np.diff(times)
    np.testing.assert_allclose(steps[:4], 0.04, atol=1e-3)
    np.testing.assert_allclose(steps[4:], 0.08, atol=1e-3)


def test_a_video_that_was_cut_off_says_how_much_is_missing(tmp_path):
    path = write_damaged_video(tmp_path / "cut.mp4")
    video = VideoFile(path)
    read = len(list(video))
    assert 0 < read < 10
    assert video.missing == 10 - read


class Capture:
    """A capture whose reads are given: a picture, None for a failure."""

    def __init__(self, reads, times=None, size=64):
        self._reads, self._times = iter(reads), times
        self._size, self._number = size, -1

    def isOpened(self):
        return True

    def get(self, what):
        if what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT):
            return self._size
        if what == cv2.CAP_PROP_POS_MSEC:
            return self._times[self._number] if self._times else 40.0 * self._number
        return {cv2.CAP_PROP_FPS: 25.0, cv2.CAP_PROP_FRAME_COUNT: 5.0}.get(what, 0)

    def read(self):
        picture = next(self._reads, None)
        self._number += picture is not None
        return picture is not None, picture

    def release(self):
        pass


@pytest.fixture
def captured(monkeypatch, tmp_path):
    """Makes a file that OpenCV reads as is given."""

    def make(*arguments, **options):
        monkeypatch.setattr(
            frames.cv2, "VideoCapture", lambda source: Capture(*arguments, **options)
        )
        path = tmp_path / "video.mp4"
        path.touch()
        return path

    return make


def test_a_frame_that_fails_is_named_and_left_out(captured):
    one = np.zeros((4, 4, 3), np.uint8)
    video = VideoFile(captured([one, None, one, one, None, None, one]))
    video.count = 7
    assert len(list(video)) == 4
    assert video.damaged == [1, 4, 5]
    assert video.missing == 3


@pytest.mark.parametrize("times", [[0, 0, 0], [0, 40, 20], [0, np.nan, np.inf]])
def test_times_that_do_not_grow_are_made_to(captured, times):
    video = VideoFile(captured([np.zeros((4, 4, 3), np.uint8)] * 3, times))
    shown = [time for time, _ in video]
    assert np.isfinite(shown).all()
    assert (np.diff(shown) > 0).all()


def test_a_rate_that_is_nonsense_is_the_usual_one(captured, monkeypatch):
    path = captured([])
    monkeypatch.setattr(Capture, "get", lambda self, what: 1e6 if what == cv2.CAP_PROP_FPS else 0)
    assert VideoFile(path).rate == 25


def test_frames_of_too_many_pixels_are_refused(captured, monkeypatch):
    monkeypatch.setenv(MAX_MEGAPIXELS, "1")
    path = captured([], size=1001)
    with pytest.raises(ValueError, match=r"video.mp4: expected frames of at most 1 megapixels.*"):
        VideoFile(path)


def test_what_is_no_video_is_named(tmp_path):
    (tmp_path / "text.mp4").write_bytes(b"no video\0")
    with pytest.raises(ValueError, match=r"text\.mp4: expected a video, received a file"):
        VideoFile(tmp_path / "text.mp4")
    with pytest.raises(FileNotFoundError):
        VideoFile(tmp_path / "none.mp4")
    with pytest.raises(ValueError, match="a folder"):
        VideoFile(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(ValueError, match="a named pipe"):
        VideoFile(tmp_path / "pipe.mp4")


def test_a_camera_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="Expected a camera, found none that can be used as 99"):
        Camera(99)


def test_a_camera_gives_frames_until_it_ends(captured):
    one = np.zeros((4, 4, 3), np.uint8)
    captured([one, None, one])
    camera = Camera(0)
    times = [time for time, _ in camera]
    assert len(times) == 2
    assert 0 <= times[0] < times[1]


def test_pictures_without_times_have_those_of_the_rate():
    one = np.zeros((4, 4, 3), np.uint8)
    assert [time for time, _ in timed([one, one], 50)] == [0, 0.02]
    assert [time for time, _ in timed([(1.5, one), (2.5, one)], 50)] == [1.5, 2.5]


@pytest.mark.parametrize(
    ("given", "rate", "error", "text"),
    [
        ([np.zeros((4, 4, 3))], 25, TypeError, "uint8"),
        (["frame.png"], 25, TypeError, "Expected frame 0 as an RGB uint8 array, received str"),
        ("clip.mp4", 25, TypeError, r"VideoFile\(path\)"),
        (Path("clip.mp4"), 25, TypeError, "received the path 'clip.mp4'"),
        (5, 25, TypeError, "Expected the frames of a video, received int"),
        (np.zeros((4, 4, 3), np.uint8), 25, ValueError, "received one picture"),
        ([(np.zeros((4, 4, 3), np.uint8), 0.0)], 25, TypeError, r"\(ndarray, float\)"),
        ([(None, np.zeros((4, 4, 3), np.uint8))], 25, TypeError, "a pair of the time in seconds"),
        ([(0.0, np.zeros((4, 4, 3), np.uint8), 3)], 25, TypeError, "a pair of the time"),
        ([], "25", ValueError, "frames a second, received '25'"),
        ([(1.0, np.zeros((4, 4, 3), np.uint8))] * 2, 25, ValueError, "frame 1 after 1 s"),
        ([(np.nan, np.zeros((4, 4, 3), np.uint8))], 25, ValueError, "received nan"),
        ([], 0, ValueError, "frames a second, received 0"),
        ([], np.inf, ValueError, "frames a second"),
    ],
)
def test_wrong_frames_are_named(given, rate, error, text):
    with pytest.raises(error, match=text):
        list(timed(given, rate))


@pytest.mark.parametrize("ending", [".bmp", ".gif", ".jpg", ".png", ".webp"])
def test_a_picture_is_no_video(ending, tmp_path):
    Image.fromarray(numbered_frames()[3]).save(tmp_path / f"picture{ending}")
    with pytest.raises(ValueError, match=rf"\{ending}: expected a video, received a picture"):
        VideoFile(tmp_path / f"picture{ending}")


def test_pictures_that_move_are_videos(tmp_path):
    first, *others = map(Image.fromarray, numbered_frames(4))
    first.save(tmp_path / "moving.gif", save_all=True, append_images=others, duration=40)
    assert len(list(VideoFile(tmp_path / "moving.gif"))) == 4
    frames = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in numbered_frames(4)]
    (tmp_path / "moving.mjpeg").write_bytes(b"".join(frames))
    assert len(list(VideoFile(tmp_path / "moving.mjpeg"))) == 4


@pytest.mark.parametrize(
    "text", ["hello world\n" * 50, "ffconcat version 1.0\nfile other.mp4\n", "Grüße, " * 999]
)
def test_a_text_and_a_list_of_other_videos_are_no_video(text, tmp_path):
    write_video(tmp_path / "other.mp4", numbered_frames())
    (tmp_path / "list.mp4").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"list\.mp4: expected a video, received a text"):
        VideoFile(tmp_path / "list.mp4")


def test_a_video_of_which_no_frame_is_decoded_is_named(tmp_path):
    (tmp_path / "picture.jpg").write_bytes(b"x\0")
    video = VideoFile(tmp_path / "picture.jpg")
    with pytest.raises(ValueError, match=r"picture\.jpg: expected a video, received one without a"):
        list(video)
