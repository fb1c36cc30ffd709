"""`keras-3dmmstn video`: what it writes, says and refuses."""

import json
import os
from pathlib import Path

import cv2
import pytest

from keras_3dmmstn.cli import played_videos, video, video_window
from keras_3dmmstn.drawing.video.video_writer import VideoWriter
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.video import frames
from tests.support.command_line import assert_fails, names, run
from tests.support.videos import (
    frame_levels,
    moving_portrait,
    numbered_frames,
    write_damaged_video,
    write_video,
)

WRITTEN = [
    "clip.csv", "clip.json", "clip.npz", "clip_1.glb", "clip_1_front.png", "clip_1_mask.png",
    "clip_1_texture.mp4",
    "clip_1_texture.png", "clip_overlay.mp4",
]  # fmt: skip


@pytest.fixture(scope="module")
def bundled():
    return Normaliser.pretrained()


@pytest.fixture(autouse=True)
def loaded_once(request, bundled, monkeypatch):
    """Commands share one network, but for the test whose options want another one."""
    if "options" not in request.node.name:
        monkeypatch.setattr(video, "load_normaliser", lambda *_: bundled)


@pytest.fixture
def clip(tmp_path):
    return write_video(tmp_path / "clip.mp4", moving_portrait(4))


def test_a_video_is_followed_and_written(clip, tmp_path):
    out = tmp_path / "out"
    result = run("video", clip, "--out", out)
    assert result.exit_code == 0, result.output
    assert names(out) == WRITTEN
    assert all(str(out / name) in result.output for name in WRITTEN)
    assert len(frame_levels(out / "clip_overlay.mp4")) == 4
    assert json.loads((out / "clip.json").read_text())["source"] == "../clip.mp4"


def test_options_choose_what_is_written(clip, tmp_path):
    out = tmp_path / "out"
    options = "--no-overlay", "--format", "webm", "--texture-size", 64, "--smoothing", 0
    assert run("video", clip, "--out", out, *options).exit_code == 0
    assert "clip_1_texture.webm" in names(out)
    assert "clip_overlay.webm" not in names(out)
    capture = cv2.VideoCapture(str(out / "clip_1_texture.webm"))
    assert capture.read()[1].shape == (64, 64, 3)


def test_videos_of_one_name_have_results_of_their_own(tmp_path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(write_video(tmp_path / folder / "clip.mp4", numbered_frames(2)))
    out = tmp_path / "out"
    assert run("video", *paths, "--out", out).exit_code == 0
    sources = [
        json.loads((out / f"{name}.json").read_text())["source"] for name in ("clip", "clip-2")
    ]
    assert sources == ["../a/clip.mp4", "../b/clip.mp4"]


def test_a_video_that_fails_is_named_and_the_others_are_played(clip, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    result = run(
        "video", tmp_path / "text.mp4", tmp_path / "none.mp4", clip, "--out", tmp_path / "out"
    )
    assert_fails(result, "text.mp4: expected a video", "none.mp4", "2 of 3 videos failed.")
    assert names(tmp_path / "out") == WRITTEN


def test_a_video_that_is_stopped_says_so_and_leaves_nothing(clip, tmp_path, monkeypatch):
    def frames(player, frames, rate):
        yield next(iter(player._normaliser.track(frames, rate)))
        raise KeyboardInterrupt

    monkeypatch.setattr(played_videos.Player, "_track", frames)
    result = run("video", clip, "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert f"Stopped. Nothing of {clip} was written." in result.output
    assert names(tmp_path) == ["clip.mp4"]


def test_a_video_without_faces_says_so(tmp_path):
    grey = write_video(tmp_path / "grey.mp4", numbered_frames(3))
    result = run("video", grey, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "No face was found." in result.output


def test_missing_frames_are_counted(tmp_path):
    path = write_damaged_video(tmp_path / "cut.mp4")
    result = run("video", path, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "of 10 frames could not be read" in result.output


def test_results_of_others_stay(clip, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "clip.csv").write_text("mine")
    assert_fails(run("video", clip, "--out", out), "clip.csv", "1 of 1 videos failed.")
    assert names(out) == ["clip.csv"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "Expected video files or --camera"),
        (["clip.mp4", "--camera", "0", "--out", "out"], "one of the two"),
        (["clip.mp4"], "Expected --out"),
        (["--camera", "0", "--no-window"], "Expected --out"),
        (["clip.mp4", "--out", "out", "--format", "avi"], "--format expects mp4 or webm"),
        (["clip.mp4", "--out", "out", "--smoothing", "2"], "--smoothing expects a number from 0"),
        (["--camera", "99", "--out", "out"], "Expected a camera, found none"),
    ],
)
def test_wrong_arguments_are_named(arguments, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_fails(run("video", *arguments), text)
    assert names(tmp_path) == []


class FakeCamera:
    """A camera that shows a moving face, and then ends or is stopped."""

    rate = 25.0

    def __init__(self, source):
        self.source = source

    def __iter__(self):
        for number, picture in enumerate(moving_portrait(4)):
            yield number / 25, picture
        if self.source == 1:
            raise KeyboardInterrupt

    def close(self):
        pass


@pytest.fixture
def camera(monkeypatch):
    monkeypatch.setattr(frames, "Camera", FakeCamera)
    monkeypatch.setattr("keras_3dmmstn.cli.played_videos.Camera", FakeCamera)


def test_without_a_display_a_camera_is_recorded(camera, tmp_path, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = run("video", "--camera", "0", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "No window is shown: there is no display. Ctrl-C ends the recording." in result.output
    assert any(name.startswith("camera-0-") for name in names(tmp_path / "out"))
    assert_fails(run("video", "--camera", "0"), "there is no window")


def test_ctrl_c_ends_a_camera_and_keeps_what_was_seen(camera, tmp_path):
    result = run("video", "--camera", "1", "--no-window", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (overlay,) = (tmp_path / "out").glob("camera-1-*_overlay.mp4")
    assert len(frame_levels(overlay)) >= 1


def test_a_recording_never_replaces_another(camera, tmp_path, monkeypatch):
    for second in ("120000", "120001"):
        monkeypatch.setattr("time.strftime", lambda _, s=second: f"20261126-{s}")
        assert run("video", "--camera", "0", "--no-window", "--out", tmp_path).exit_code == 0
    assert len(list(tmp_path.glob("camera-0-*.json"))) == 2


def test_what_a_url_says_of_its_user_is_not_written(camera, tmp_path):
    url = "rtsp://me:secret@example.org/stream?token=secret"
    assert run("video", "--camera", url, "--no-window", "--out", tmp_path).exit_code == 0
    (description,) = tmp_path.glob("camera-*.json")
    assert json.loads(description.read_text())["source"].startswith(
        "camera rtsp://example.org/stream, "
    )


def test_names_that_are_not_utf8_are_played(clip, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/v\xff"))
    odd.mkdir()
    result = run("video", clip.rename(odd / "clip.mp4"), "--out", odd / "out")
    assert result.exit_code == 0, result.output
    assert names(odd / "out") == WRITTEN
    assert len(frame_levels(odd / "out" / "clip_overlay.mp4")) == 4


def test_a_video_that_cannot_be_written_whole_fails(clip, tmp_path, monkeypatch):
    release = VideoWriter.release

    def cut_off(self):
        release(self)
        content = self.path.read_bytes()
        self.path.write_bytes(content[: len(content) // 2])

    monkeypatch.setattr(VideoWriter, "release", cut_off)
    result = run("video", clip, "--out", tmp_path / "out")
    assert_fails(result, "could not be written whole", "1 of 1 videos failed.")
    assert not (tmp_path / "out").exists()


class Screen:
    """OpenCV's windows, with a user who types a key at the third picture."""

    def __init__(self, monkeypatch, key):
        self.shown, self._key = [], key
        monkeypatch.setenv("DISPLAY", ":0")
        for name in ("namedWindow", "destroyWindow", "destroyAllWindows"):
            monkeypatch.setattr(video_window.cv2, name, lambda *_: None)
        monkeypatch.setattr(video_window.cv2, "imshow", lambda _, image: self.shown.append(image))
        monkeypatch.setattr(video_window.cv2, "waitKey", self._typed)
        monkeypatch.setattr(video_window.cv2, "getWindowProperty", lambda *_: 1.0)

    def _typed(self, _):
        return ord(self._key) if len(self.shown) == 3 else -1


def test_a_camera_is_shown_until_q_is_typed(camera, monkeypatch):
    screen = Screen(monkeypatch, "q")
    result = run("video", "--camera", "0")
    assert result.exit_code == 0, result.output
    assert len(screen.shown) == 3
    assert screen.shown[0].shape == (320, 360, 3)


def test_other_keys_end_nothing(camera, tmp_path, monkeypatch):
    screen = Screen(monkeypatch, "a")
    assert run("video", "--camera", "0", "--out", tmp_path / "out").exit_code == 0
    assert len(screen.shown) == 4
    assert len(list((tmp_path / "out").glob("camera-0-*.csv"))) == 1


def test_an_opencv_without_windows_says_what_to_install(camera, tmp_path, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")

    def refuse(*_):
        raise cv2.error("The function is not implemented.")

    monkeypatch.setattr(video_window.cv2, "namedWindow", refuse)
    result = run("video", "--camera", "0", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "pip install opencv-python" in result.output
