"""The files of a video: what they say, whose they are, and that they are whole."""

import csv
import io
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from keras_3dmmstn.drawing.video.results import ShownVideo, VideoResults
from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.command_line import names
from tests.support.videos import frame_levels, moving_portrait


@pytest.fixture(scope="module")
def frames():
    """Three frames with a face, and one without."""
    pictures = [*moving_portrait(3), np.full((320, 360, 3), 128, np.uint8)]
    return list(Normaliser.pretrained().track(pictures))


def write(folder, frames, source="clip.mp4", **options):
    with VideoResults(folder, "clip", source, 25.0, **options) as results:
        for frame in frames:
            results.add(frame)
        return results.finish([7], 2)


def test_all_files_are_there(frames, tmp_path):
    written = write(tmp_path, frames)
    assert [path.name for path in sorted(written)] == names(tmp_path)
    assert names(tmp_path) == [
        "clip.csv", "clip.json", "clip.npz", "clip_1.glb", "clip_1_front.png", "clip_1_mask.png",
        "clip_1_texture.mp4",
        "clip_1_texture.png", "clip_overlay.mp4",
    ]  # fmt: skip
    assert json.loads((tmp_path / "clip.json").read_text()) == {
        "source": "clip.mp4",
        "frames": 4,
        "rate": 25.0,
        "damaged_frames": [7],
        "missing_frames": 2,
        "cuts": [],
        "people": {"1": {"first": 0.0, "last": 0.08}},
        "files": names(tmp_path),
    }


def test_videos_are_as_long_as_the_source(frames, tmp_path):
    write(tmp_path, frames)
    assert len(frame_levels(tmp_path / "clip_overlay.mp4")) == 4
    levels = frame_levels(tmp_path / "clip_1_texture.mp4")
    assert len(levels) == 4
    assert min(levels[:3]) > 60 > 5 > levels[3], "black where the face is not there"


def test_the_fused_texture_is_that_of_the_face(frames, tmp_path):
    write(tmp_path, frames)
    fused = cv2.imread(str(tmp_path / "clip_1_texture.png"), cv2.IMREAD_COLOR_RGB)
    mask = cv2.imread(str(tmp_path / "clip_1_mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    assert fused.shape == (512, 512, 3)
    own = cv2.resize(frames[1].faces[1].texture, (512, 512))
    difference = np.abs(cv2.GaussianBlur(fused, (0, 0), 4).astype(int) - own)[mask]
    assert difference.mean() < 12
    assert mask.mean() > 0.8


def test_the_arrays_are_those_of_the_faces(frames, tmp_path):
    write(tmp_path, frames)
    arrays = np.load(tmp_path / "clip.npz")
    face = frames[1].faces[1]
    np.testing.assert_array_equal(arrays["frame"], [0, 1, 2])
    np.testing.assert_array_equal(arrays["person"], [1, 1, 1])
    np.testing.assert_allclose(arrays["time"], [0, 0.04, 0.08])
    np.testing.assert_allclose(arrays["landmarks"][1], face.landmarks(), rtol=1e-6)
    np.testing.assert_allclose(arrays["pose"][1], face.pose, rtol=1e-6)
    np.testing.assert_allclose(arrays["box"][1], face.box)
    theta = face.parameters
    np.testing.assert_allclose(arrays["theta"][1, :3], theta["rotation"], rtol=1e-6)
    np.testing.assert_allclose(arrays["theta"][1, 6:46], theta["identity"], rtol=1e-6)
    np.testing.assert_allclose(arrays["theta"][1, 46:], theta["expression"], rtol=1e-6)
    assert arrays["identity_count"] == 40
    np.testing.assert_allclose(arrays["confidence"][1], face.confidence)
    assert np.isnan(arrays["score"][1]), "the detector was not asked"


def test_the_table_says_the_same(frames, tmp_path):
    write(tmp_path, frames)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "clip.csv").read_text())))
    arrays = np.load(tmp_path / "clip.npz")
    assert len(rows) == 3
    assert [row["frame"] for row in rows] == ["0", "1", "2"]
    assert rows[1]["time"] == "0.040000"
    assert rows[1]["score"] == ""
    np.testing.assert_allclose(float(rows[1]["yaw"]), arrays["pose"][1, 0], rtol=1e-5)
    np.testing.assert_allclose(float(rows[1]["log_scale"]), arrays["theta"][1, 5], rtol=1e-5)
    np.testing.assert_allclose(float(rows[1]["identity_39"]), arrays["theta"][1, 45], rtol=1e-5)
    np.testing.assert_allclose(float(rows[2]["expression_23"]), arrays["theta"][2, -1], rtol=1e-5)
    np.testing.assert_allclose(
        float(rows[1]["landmark_67_y"]), arrays["landmarks"][1, 67, 1], rtol=1e-5
    )


def test_a_video_without_faces_has_an_overlay_and_empty_tables(frames, tmp_path):
    write(tmp_path, frames[3:])
    assert names(tmp_path) == ["clip.csv", "clip.json", "clip.npz", "clip_overlay.mp4"]
    assert len((tmp_path / "clip.csv").read_text().splitlines()) == 1
    assert np.load(tmp_path / "clip.npz")["landmarks"].shape == (0, 68, 2)


def test_videos_are_left_out_on_request(frames, tmp_path):
    write(tmp_path, frames, overlay=False, textures=False)
    assert not [name for name in names(tmp_path) if name.endswith(".mp4")]


def test_a_second_run_replaces_the_first_and_what_it_no_longer_has(frames, tmp_path):
    write(tmp_path, frames)
    write(tmp_path, frames[3:], overlay=False)
    assert names(tmp_path) == ["clip.csv", "clip.json", "clip.npz"]


def test_another_videos_results_are_refused(frames, tmp_path):
    write(tmp_path, frames)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    with pytest.raises(FileExistsError, match=r"clip\.csv.*is that of clip\.mp4"):
        write(tmp_path, frames, source="other/clip.mp4")
    assert before == {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}


@pytest.mark.parametrize(
    "name",
    ["clip.json", "clip.csv", "clip_overlay.webm", "clip_1.glb", "clip_7_front.png",
     "clip_0_texture.png"],
)  # fmt: skip
def test_files_of_someone_else_are_refused(name, frames, tmp_path):
    (tmp_path / name).write_text("[1]")
    with pytest.raises(FileExistsError, match="does not say of which video it is"):
        write(tmp_path, frames)
    assert names(tmp_path) == [name]


def test_files_of_our_names_that_no_run_wrote_are_refused(frames, tmp_path):
    write(tmp_path, frames[3:])
    (tmp_path / "clip_overlay.webm").write_text("mine")
    with pytest.raises(FileExistsError, match=r"clip_overlay\.webm"):
        write(tmp_path, frames[3:], overlay=False)
    assert (tmp_path / "clip_overlay.webm").read_text() == "mine"


def test_other_files_may_lie_there(frames, tmp_path):
    for name in ("clip.mp4", "clip_notes.txt", "clip-2_overlay.mp4", "clip_x_front.png"):
        (tmp_path / name).touch()
    write(tmp_path, frames[3:])
    assert {"clip.mp4", "clip_notes.txt", "clip-2_overlay.mp4"} <= set(names(tmp_path))


def test_what_killed_runs_left_is_removed(frames, tmp_path):
    (tmp_path / ".clip_9_texture.mp4.4194000.tmp.mp4").touch()
    (tmp_path / ".other_9_texture.mp4.4194000.tmp.mp4").touch()
    write(tmp_path, frames[3:], overlay=False, textures=False)
    assert ".clip_9_texture.mp4.4194000.tmp.mp4" not in names(tmp_path)
    assert ".other_9_texture.mp4.4194000.tmp.mp4" in names(tmp_path)


def test_a_name_that_is_too_long_is_refused_at_once(tmp_path):
    results = VideoResults(tmp_path, "a" * 240, "clip.mp4", 25)
    with pytest.raises(ValueError, match="a name of at most 231 bytes"), results:
        pass


def test_files_of_faces_that_do_not_come_back_are_ended(frames, tmp_path):
    """A long film with many cuts does not hold all its faces."""
    with VideoResults(tmp_path, "clip", "clip.mp4", 25) as results:
        for number in range(4):
            (face,) = frames[0].faces.values()
            faces = {number + 1: face}
            shown = replace(frames[0], number=2 * number, time=4.0 * number, faces=faces)
            results.add(shown)
            assert len(results._writers) == 2, "the overlay and this face"
            assert len(results._people) == 1
            results.add(replace(frames[3], number=2 * number + 1, time=4.0 * number + 0.04))
        results.finish([], 0)
    assert len(frame_levels(tmp_path / "clip_2_texture.mp4")) == 2
    assert results.people == 4
    assert (tmp_path / "clip_4.glb").exists()


def test_a_face_that_comes_back_at_the_last_moment_is_one(frames, tmp_path):
    """The tracker counts from the first frame without the face."""
    seen, without = frames[0], frames[3]
    shown = [(0.0, seen), (0.5, without), (1.5, seen), (3.0, seen)]
    shown = [replace(f, number=n, time=t) for n, (t, f) in enumerate(shown)]
    written = write(tmp_path, shown)
    assert len(set(written)) == len(written)
    assert len(frame_levels(tmp_path / "clip_1_texture.mp4")) == 76
    assert np.load(tmp_path / "clip.npz")["frame"].tolist() == [0, 2, 3]


def test_an_exception_leaves_nothing_new(frames, tmp_path):
    write(tmp_path, frames)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    with (
        pytest.raises(KeyboardInterrupt),
        VideoResults(tmp_path, "clip", "clip.mp4", 25) as results,
    ):
        results.add(frames[0])
        raise KeyboardInterrupt
    assert before == {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}


def test_a_forged_description_removes_no_other_files(frames, tmp_path):
    (tmp_path / "precious.txt").touch()
    forged = {"source": "clip.mp4", "files": ["clip.json", "precious.txt", "../precious.txt", 3]}
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "precious.txt").touch()
    (folder / "clip.json").write_text(json.dumps(forged))
    write(folder, frames[3:])
    assert (tmp_path / "precious.txt").exists()
    assert (folder / "precious.txt").exists()


def test_a_video_that_is_only_shown_is_drawn(frames):
    with ShownVideo() as shown:
        picture = shown.add(frames[0])
    assert picture.shape == frames[0].image.shape
    assert np.abs(picture.astype(int) - frames[0].image).max() > 50
