"""Readers of labelled photographs."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.training.faces import LabelledFaces, read_300w, read_faces, read_landmark_csv


def write_300w(folder, count=2):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        cv2.imwrite(str(folder / f"image_{number}.jpg"), np.zeros((20, 20, 3), np.uint8))
        points = "\n".join(f"{x + number}.5 {2 * x}.25" for x in range(68))
        text = f"version: 1\nn_points: 68\n{{\n{points}\n}}\n"
        (folder / f"image_{number}.pts").write_text(text)
    return folder


def write_csv(folder, value="7.5"):
    (folder / "images").mkdir(parents=True)
    columns = ["image", "subject"] + [f"{a}{n}" for n in range(68) for a in "xy"]
    row = ["one.jpg", "someone"] + [str(n) for n in range(135)] + [value]
    (folder / "landmarks.csv").write_text(",".join(columns) + "\n" + ",".join(row) + "\n")
    return folder


def test_300w_counts_pixels_from_one(tmp_path):
    faces = read_300w(write_300w(tmp_path / "helen"))
    assert [path.name for path in faces.paths] == ["image_0.jpg", "image_1.jpg"]
    assert faces.landmarks.shape == (2, 68, 3)
    np.testing.assert_array_equal(faces.landmarks[1, 3], [3.5, 5.25, 1.0])


def test_300w_is_read_from_folders_below(tmp_path):
    write_300w(tmp_path / "helen" / "trainset")
    assert len(read_300w(tmp_path / "helen")) == 2


def test_csv_counts_pixels_from_zero(tmp_path):
    faces = read_landmark_csv(write_csv(tmp_path / "videos"))
    assert faces.paths == (tmp_path / "videos" / "images" / "one.jpg",)
    np.testing.assert_array_equal(faces.landmarks[0, 3], [6, 7, 1])
    np.testing.assert_array_equal(faces.landmarks[0, 67], [134, 7.5, 1])


def test_folders_of_both_formats_are_joined(tmp_path):
    faces = read_faces([write_300w(tmp_path / "helen"), write_csv(tmp_path / "videos")])
    assert len(faces) == 3 and faces.paths[-1].name == "one.jpg"


def test_no_folder_is_refused():
    with pytest.raises(ValueError, match="at least one folder"):
        read_faces([])


def test_a_folder_without_labels_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"\.pts files of 300-W in .*found none"):
        read_faces([tmp_path])


@pytest.mark.parametrize(
    ("points", "message"),
    [("1 2\n3 4", "68 points, received 2"), ("1 2\nx 4", "pairs of numbers"), ("1 2 3", "pairs")],
)
def test_a_malformed_label_file_is_named(points, message, tmp_path):
    write_300w(tmp_path, 1)
    (tmp_path / "image_0.pts").write_text(f"version: 1\nn_points: 68\n{{\n{points}\n}}\n")
    with pytest.raises(ValueError, match=rf"image_0\.pts.*{message}"):
        read_300w(tmp_path)


def test_a_label_file_without_photograph_is_named(tmp_path):
    write_300w(tmp_path, 1)
    (tmp_path / "image_0.jpg").unlink()
    with pytest.raises(ValueError, match=r"image_0\.pts: expected a photograph"):
        read_300w(tmp_path)


@pytest.mark.parametrize("value", ["", "far"])
def test_a_csv_with_a_bad_number_is_named(value, tmp_path):
    with pytest.raises(ValueError, match=r"landmarks\.csv: expected a column image and numbers"):
        read_landmark_csv(write_csv(tmp_path / "videos", value))


def test_coordinates_that_are_not_finite_have_no_confidence(tmp_path):
    faces = read_landmark_csv(write_csv(tmp_path / "videos", "nan"))
    assert faces.landmarks[0, 67, 2] == 0 and (faces.landmarks[0, :67, 2] == 1).all()


def test_a_csv_without_rows_or_image_column_is_named(tmp_path):
    folder = write_csv(tmp_path / "videos")
    header, row = (folder / "landmarks.csv").read_text().splitlines()
    (folder / "landmarks.csv").write_text(header + "\n")
    with pytest.raises(ValueError, match=r"landmarks\.csv: expected at least one row"):
        read_landmark_csv(folder)
    (folder / "landmarks.csv").write_text(header.replace("image", "file") + "\n" + row + "\n")
    with pytest.raises(ValueError, match=r"landmarks\.csv: expected a column image"):
        read_landmark_csv(folder)


def test_a_binary_label_file_is_named(tmp_path):
    write_300w(tmp_path, 1)
    (tmp_path / "image_0.pts").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"image_0\.pts"):
        read_300w(tmp_path)


def test_landmarks_of_another_shape_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"shape \(1, L, 3\), received shape \(1, 68, 2\)"):
        LabelledFaces((tmp_path / "a.jpg",), np.zeros((1, 68, 2), np.float32))
