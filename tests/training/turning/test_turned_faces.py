"""Turned faces for training."""

import re
import shutil

import cv2
import numpy as np
import pytest

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.training.data.faces import read_landmark_csv
from keras_3dmmstn.training.data.labelled_faces import LANDMARK_SET, LabelledFaces
from keras_3dmmstn.training.turning.new_poses import YAWS
from keras_3dmmstn.training.turning.turned_faces import (
    turn_faces,
    turned_faces,
    write_turned_faces,
)

FACE = GridModel.bundled()


@pytest.fixture
def faces(tmp_path):
    """Two photographs of the mean face, turned to image-right by 0.3 and not at all."""
    paths, landmarks = [], []
    for number, yaw in enumerate((0.3, 0.0)):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), np.full((200, 200, 3), 90 + number, np.uint8))
        rotation = cv2.Rodrigues(np.array([0, -yaw, 0.0]))[0]
        points = (FACE.mean @ rotation.T)[FACE.landmark_indices(LANDMARK_SET), :2] * 0.7 + 100
        paths.append(path)
        landmarks.append(np.column_stack([points, np.ones(89)]))
    landmarks = np.array(landmarks, np.float32)
    return LabelledFaces(tuple(paths), landmarks, subjects=("Ann", "Bob"), names=("a", "b"))


def test_faces_are_turned_into_the_range_that_is_given(faces):
    yaws = (float(np.radians(60)), float(np.radians(92)))
    turned = [face.yaw for _, face in turn_faces(faces, copies=4, size=64, yaws=yaws)]
    # The pitch that goes with a turn changes its yaw by few degrees.
    assert np.abs(turned).min() > np.radians(57) and np.abs(turned).max() < np.radians(95)
    assert np.abs(turned).max() > YAWS[1]


def test_a_face_becomes_the_same_whatever_comes_before_it(faces):
    both = [face for number, face in turn_faces(faces, seed=3) if number == 0]
    alone = [face for _, face in turn_faces(faces.choose([0]), seed=3)]
    other = [face for _, face in turn_faces(faces.choose([0]), seed=4)]
    assert [face.yaw for face in both] == [face.yaw for face in alone]
    np.testing.assert_array_equal(both[1].image, alone[1].image)
    assert both[0].yaw != other[0].yaw


def test_crops_hold_every_copy_of_every_face(faces):
    crops = turned_faces(faces, copies=3, size=96)
    assert crops.images.shape == (6, 96, 96, 3) and crops.landmarks.shape == (6, 89, 3)
    assert crops.crop_side == 64
    assert (crops.images[0].max(), crops.images[3].max()) == (90, 91)
    sides = np.ptp(crops.landmarks[:, :68, :2], axis=1).max(axis=1)
    np.testing.assert_allclose(sides, 64 / 1.7, rtol=1e-3)


def test_a_folder_is_read_back(faces, tmp_path):
    expected = list(turn_faces(faces, copies=2))
    assert write_turned_faces(faces, tmp_path / "out", copies=2) == 4
    read = read_landmark_csv(tmp_path / "out")
    assert read.subjects == ("Ann", "Ann", "Bob", "Bob")
    np.testing.assert_allclose(read.pose[:, 2], [face.yaw for _, face in expected], atol=1e-4)
    for landmarks, (_, face) in zip(read.landmarks, expected, strict=True):
        known = face.landmarks[:, 2] > 0
        np.testing.assert_allclose(landmarks[known], face.landmarks[known], atol=0.006)
        np.testing.assert_array_equal(landmarks[:, 2] > 0, known)
    picture = cv2.imread(str(read.paths[3]))
    assert np.abs(picture.astype(int) - expected[3][1].image[..., ::-1]).mean() < 0.5


def test_progress_sees_every_face(faces):
    seen = []
    turned_faces(faces, copies=1, progress=lambda numbers: (seen.append(n) or n for n in numbers))
    assert seen == [0, 1]


def test_a_face_that_cannot_be_turned_is_named_and_left_out(faces):
    landmarks = np.concatenate([faces.landmarks] * 2)
    landmarks[0, 20:68, 2] = 0
    rng = np.random.default_rng(0)
    landmarks[1, :, :2] = rng.uniform(0, 200, (89, 2))
    missing = faces.paths[0].with_name("missing.png")
    paths = (faces.paths[0], faces.paths[1], missing, faces.paths[1])
    skipped: list = []
    some = LabelledFaces(paths, landmarks, names=("few", "scattered", "missing", "good"))
    assert [number for number, _ in turn_faces(some, copies=1, skipped=skipped)] == [3]
    assert [face.name for face in skipped] == ["few", "scattered", "missing"]
    assert "at least 30 labelled points of ibug68, received 20" in skipped[0].reason
    assert "fits to 4% of their box, received" in skipped[1].reason
    assert "missing.png" in skipped[2].reason
    crops = turned_faces(some, copies=2)
    assert list(crops.skipped) == skipped and crops.kept.tolist() == [3, 3]


def test_only_a_new_folder_or_one_of_a_stopped_run_is_written_to(faces, tmp_path):
    out = tmp_path / "out"

    def stopped(numbers):
        yield numbers[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_turned_faces(faces, out, copies=1, progress=stopped)
    assert not (out / "landmarks.csv").exists()  # no half table that could be trained on
    assert write_turned_faces(faces, out, copies=1) == 2
    names = sorted(path.name for path in out.iterdir())
    assert names == ["images", "landmarks.csv", "turned.json"]
    before = (out / "landmarks.csv").read_bytes()
    with pytest.raises(ValueError, match=r"out: expected a new or empty .* images, landmarks\.csv"):
        write_turned_faces(faces, out, copies=2)
    assert (out / "landmarks.csv").read_bytes() == before


def stop(numbers):
    """Progress of a run that is stopped after its first face."""
    yield numbers[0]
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 7}, "seed 0 and not 7"),
        ({"copies": 3}, "copies 1 and not 3"),
        ({"yaws": (0.5, 0.9)}, r"yaws \[.*\] and not \[0.5, 0.9\]"),
        ({"size": 64}, "size 192 and not 64"),
    ],
)
def test_a_stopped_run_does_not_go_on_with_other_settings(faces, tmp_path, change, named):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write_turned_faces(faces, out, copies=1, progress=stop)
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    with pytest.raises(ValueError, match=f"settings that this run was begun with, {named}"):
        write_turned_faces(faces, out, **{"copies": 1, **change})
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == before


def test_a_stopped_run_does_not_go_on_with_other_labels(faces, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write_turned_faces(faces, out, progress=stop)
    faces.landmarks[1, 3, 0] += 1
    with pytest.raises(ValueError, match=r"begun with, labels '\w+' and not"):
        write_turned_faces(faces, out)


def test_no_picture_of_a_stopped_run_stays_that_is_not_in_the_table(faces, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):  # the second face is not made
        write_turned_faces(faces, out, copies=3, progress=stop)
    assert len(list((out / "images").iterdir())) == 3
    faces.paths[0].unlink()  # of the first face nothing is left
    assert write_turned_faces(faces, out, copies=3) == 3
    read = read_landmark_csv(out)
    assert read.subjects == ("Bob",) * 3
    pictures = sorted((out / "images").glob("*.jpg"))
    assert pictures == list(read.paths)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000])
def test_settings_that_are_damaged_are_named(faces, tmp_path, content):
    out = tmp_path / "out"
    out.mkdir()
    (out / "turned.json").write_text(content)
    with pytest.raises(ValueError, match=r"turned\.json: expected the settings of turned faces"):
        write_turned_faces(faces, out)


def test_a_folder_that_the_version_before_began_is_written_to(faces, tmp_path):
    out = tmp_path / "out"
    (out / "images").mkdir(parents=True)
    (out / "landmarks.csv.part").write_text("image,subj")
    assert write_turned_faces(faces, out, copies=1) == 2
    assert len(read_landmark_csv(out)) == 2 and not (out / "landmarks.csv.part").exists()


def test_no_face_to_turn_is_an_error(faces, tmp_path):
    faces.landmarks[:, :, 2] = 0
    with pytest.raises(ValueError, match=r"none of the 2 could be used.*a: expected at least 30"):
        turned_faces(faces)
    with pytest.raises(ValueError, match=r"none of the 2 could be used.*a: expected at least 30"):
        write_turned_faces(faces, tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda points: points * 1e5, "which lies outside|10 times as large"),
        (lambda points: points * 1e30, "which lies outside|10 times as large"),
        (lambda points: points + [1000, 0], "which lies outside"),
        (lambda points: (points - 100) * 40 + 100, "more than 10 times as large"),
    ],
)
def test_labels_that_no_face_in_the_photograph_has_are_left_out(faces, change, reason):
    faces.landmarks[0, :, :2] = change(faces.landmarks[0, :, :2])
    crops = turned_faces(faces, copies=1, size=64)
    assert crops.kept.tolist() == [1]
    assert re.search(reason, crops.skipped[0].reason) and crops.skipped[0].name == "a"


@pytest.mark.parametrize("options", [{"copies": 0}, {"size": 0}])
def test_nothing_to_make_is_refused(faces, options):
    with pytest.raises(ValueError, match="at least one copy and a size of at least 1, received"):
        turned_faces(faces, **options)


@pytest.mark.parametrize(
    ("degrees", "received"),
    [
        ((75, 20), "75° to 20°"),
        ((60, 60), "60° to 60°"),
        ((-20, 75), "-20° to 75°"),
        ((60, 101), "60° to 101°"),
        ((60, np.nan), "60° to nan°"),
    ],
)
def test_a_range_of_yaw_that_is_none_is_refused(faces, degrees, received):
    yaws = tuple(np.radians(degrees))
    with pytest.raises(ValueError, match=rf"larger angle within 0° to 100°, received {received}\."):
        turned_faces(faces, yaws=yaws)


def test_faces_that_somebody_removes_while_others_are_made_are_missed(faces, tmp_path):
    def disturbed(numbers):
        yield numbers[0]
        shutil.rmtree(tmp_path / "out")
        yield from numbers[1:]

    with pytest.raises(FileNotFoundError, match=r"2 of 4 turned faces, such as 000000\.jpg"):
        write_turned_faces(faces, tmp_path / "out", copies=2, progress=disturbed)
    assert not (tmp_path / "out/landmarks.csv").exists()
