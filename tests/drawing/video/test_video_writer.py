"""Videos that are written: pictures, rate, sizes."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.drawing.video.video_writer import VideoWriter
from tests.support.videos import frame_levels, numbered_frames, write_video

LEVELS = 20 + 15 * np.arange(10)


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_a_video_has_its_pictures(ending, tmp_path):
    path = write_video(tmp_path / f"grey{ending}", numbered_frames())
    np.testing.assert_allclose(frame_levels(path), LEVELS, atol=4)


def test_colours_stay(tmp_path):
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    capture = cv2.VideoCapture(str(write_video(tmp_path / "red.mp4", [red] * 3)))
    blue, _, red = capture.read()[1].mean(axis=(0, 1))
    assert red > 150 > 60 > blue


def test_a_picture_that_is_shown_longer_is_repeated(tmp_path):
    writer = VideoWriter(tmp_path / "held.mp4", 10)
    for time, level in ((3.0, 40), (3.1, 80), (3.4, 120), (3.41, 200)):
        writer.write(time, np.full((32, 32, 3), level, np.uint8))
    writer.close()
    np.testing.assert_allclose(frame_levels(tmp_path / "held.mp4"), [40, 80, 80, 80, 200], atol=6)


def test_a_long_gap_is_cut_short(tmp_path):
    writer = VideoWriter(tmp_path / "gap.mp4", 10)
    for time in (0.0, 1e7, 1e7 + 0.1):
        writer.write(time, np.zeros((32, 32, 3), np.uint8))
    writer.close()
    assert len(frame_levels(tmp_path / "gap.mp4")) == 102


def test_odd_sizes_are_made_even(tmp_path):
    path = write_video(tmp_path / "odd.mp4", [np.full((33, 47, 3), 90, np.uint8)] * 2)
    assert cv2.VideoCapture(str(path)).read()[1].shape == (34, 48, 3)
    np.testing.assert_allclose(frame_levels(path), 90, atol=4)


def test_pictures_of_another_size_are_fitted(tmp_path):
    sizes = (32, 32), (64, 48)
    path = write_video(tmp_path / "sizes.mp4", [np.full((*s, 3), 90, np.uint8) for s in sizes])
    np.testing.assert_allclose(frame_levels(path), [90, 90], atol=4)


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Expected a video \.mp4 or \.webm, received .*a\.avi"):
        VideoWriter(tmp_path / "a.avi", 25)


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    writer = VideoWriter(tmp_path / "none" / "a.mp4", 25)
    with pytest.raises(OSError, match=r"The video cannot be written; .*a\.mp4"):
        writer.write(0, np.zeros((32, 32, 3), np.uint8))
    writer.close()
