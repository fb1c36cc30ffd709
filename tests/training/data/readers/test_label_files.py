"""Names, and files that cannot be read: what is found, and what is left out by name."""

import os
import shutil

import numpy as np
import pytest

from keras_3dmmstn.training.data.faces import read_300w, read_faces, read_landmark_csv
from keras_3dmmstn.training.data.readers.aflw2000 import is_aflw2000, read_aflw2000
from tests.support.face_folders import write_300w, write_aflw2000, write_csv


@pytest.mark.parametrize("ending", [".jpg", ".JPG", ".Jpg", ".jPeG", ".PNG", ".Png"])
def test_a_photograph_is_found_whatever_letters_are_capital(tmp_path, ending):
    write_300w(tmp_path, 1)
    photograph = (tmp_path / "image_0.jpg").rename(tmp_path / f"image_0{ending}")
    assert read_300w(tmp_path).paths == (photograph,)


def test_the_ending_in_small_letters_comes_first(tmp_path):
    write_300w(tmp_path, 1)
    shutil.copy(tmp_path / "image_0.jpg", tmp_path / "image_0.JPG")
    shutil.copy(tmp_path / "image_0.jpg", tmp_path / "image_0.png")
    assert read_300w(tmp_path).paths == (tmp_path / "image_0.jpg",)


def test_labels_are_found_whatever_letters_are_capital(tmp_path):
    write_300w(tmp_path, 3)
    (tmp_path / "image_1.pts").rename(tmp_path / "image_1.PTS")
    (tmp_path / "image_2.pts").rename(tmp_path / "image_2.Pts")
    faces = read_faces(tmp_path)
    assert sorted(path.name for path in faces.paths) == [f"image_{n}.jpg" for n in range(3)]
    assert faces.skipped == ()
    for name in ("image_0.pts", "image_2.Pts"):
        (tmp_path / name).unlink()
    assert [path.name for path in read_faces(tmp_path).paths] == ["image_1.jpg"]


def test_photographs_and_labels_of_aflw2000_are_found_likewise(tmp_path, rng):
    folder = write_aflw2000(tmp_path, rng.uniform(20, 80, (2, 3, 68)), [0.1, 0.2])
    (folder / "image00002.jpg").rename(folder / "image00002.Jpg")
    (folder / "image00003.mat").rename(folder / "image00003.MAT")
    assert is_aflw2000(folder) and len(read_aflw2000(folder)) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "expected 68 points, received 0"),
        ("version: 1\nn_points: 39\n{\n" + "1 2\n" * 39 + "}\n", "expected 68 points, received 39"),
        ("{\n" + "1 2\n" * 67 + "1 x\n}\n", "pairs of numbers"),
        (
            "{\n" + "1 2\n" * 67 + "1 1e30\n}\n",
            "coordinates within ±100,000 pixels, received 1e+30",
        ),
        ("\ud800", "pairs of numbers"),
    ],
    ids=["0 bytes", "39 points", "no number", "a flipped number", "no text"],
)
def test_a_label_file_that_cannot_be_read_is_named_and_the_others_are_read(
    tmp_path, content, reason
):
    write_300w(tmp_path / "helen", 3)
    data = content.encode("utf-8", "surrogatepass")
    (tmp_path / "helen" / "image_1.pts").write_bytes(data)
    faces = read_faces(tmp_path / "helen")
    assert [path.name for path in faces.paths] == ["image_0.jpg", "image_2.jpg"]
    (skipped,) = faces.skipped
    assert skipped.name.endswith("/helen/image_1.jpg") and reason in skipped.reason
    assert read_faces([tmp_path / "helen"] * 2).skipped == (skipped, skipped)


def test_a_file_of_aflw2000_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path, rng):
    folder = write_aflw2000(tmp_path, rng.uniform(20, 80, (2, 3, 68)), [0.1, 0.2])
    (folder / "image00002.mat").write_bytes(b"")
    faces = read_aflw2000(folder)
    assert [path.name for path in faces.paths] == ["image00003.jpg"]
    assert faces.pose[0, 2] == pytest.approx(0.2)
    assert "image00002.jpg: " in str(faces.skipped[0])


def test_a_folder_of_which_nothing_can_be_read_is_an_error(tmp_path):
    write_300w(tmp_path, 2)
    for number in range(2):
        (tmp_path / f"image_{number}.pts").write_text("")
    with pytest.raises(ValueError, match=r"none of the 2 could .*image_0\.pts: expected 68 points"):
        read_300w(tmp_path)


def test_what_is_no_file_of_labels_is_left_out_by_name(tmp_path):
    folder = write_300w(tmp_path, 2)
    (folder / "folder.pts").mkdir()
    (folder / "large.pts").write_bytes(b"{" + b"1 " * (9 << 20) + b"}")
    (folder / "far.pts").write_text("{" + "1 2 " * 67 + "1e300 5}")
    expected = {"folder": "received something else", "large": "more than 16 megabytes"}
    if hasattr(os, "mkfifo"):  # whoever opens it waits for ever
        os.mkfifo(folder / "pipe.pts")
        expected["pipe"] = "received something else"
    expected["far"] = "within ±100,000 pixels, received 3.40282e+38"
    faces = read_faces(folder)
    assert len(faces) == 2 and len(faces.skipped) == len(expected)
    for name, reason in expected.items():
        assert any(f"{name}." in face.name and reason in face.reason for face in faces.skipped)


@pytest.mark.parametrize("value", ["1e300", "-1e39"])
def test_a_number_beyond_single_precision_is_not_taken_for_an_unlabelled_point(tmp_path, value):
    with pytest.raises(ValueError, match=r"line 2: .*100,000 pixels, received 3\.40282e\+38"):
        read_landmark_csv(write_csv(tmp_path, value))
    assert np.flatnonzero(read_landmark_csv(write_csv(tmp_path, "nan")).landmarks[0, :68, 2] == 0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a matter of POSIX")
def test_a_pipe_in_place_of_a_table_is_refused(tmp_path):
    os.mkfifo(tmp_path / "landmarks.csv")
    with pytest.raises(ValueError, match=r"landmarks\.csv: expected a CSV table, .* no file"):
        read_faces(tmp_path)
