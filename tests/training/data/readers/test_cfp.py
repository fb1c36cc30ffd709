"""CFP, from files written in its layout."""

import numpy as np
import pytest

from keras_3dmmstn.training.data.faces import read_faces, read_landmark_csv
from keras_3dmmstn.training.data.readers.cfp import (
    IMAGE_LEFT_POINTS,
    IMAGE_RIGHT_POINTS,
    is_cfp,
    read_cfp,
)
from tests.support.face_folders import write_300w, write_cfp, write_csv

# Point n at (100 + n, 50 - n): no two coordinates are the same.
POINTS = np.stack([100.0 + np.arange(30), 50.0 - np.arange(30)], axis=1)
ROWS = [
    ("001_f01.jpg", 1, "frontal", 1, POINTS),
    ("001_p01.jpg", 1, "profile", 1, POINTS),
    ("001_p02.jpg", 1, "profile", 0, POINTS + 0.25),
    ("002_p01.jpg", 2, "profile", 0, POINTS + 0.5),
]


@pytest.fixture
def folder(tmp_path):
    return write_cfp(tmp_path / "cfp", ROWS)


def changed(folder, before, after, file="landmarks.csv"):
    """Replaces the first occurrence of a text in a file."""
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after, 1))
    return folder


def test_the_points_of_either_side_are_those_of_the_description():
    brow_eye_image_left = [17, 19, 21, 36, 37, 38, 39, 41, 40]
    brow_eye_image_right = [26, 24, 22, 45, 44, 43, 42, 46, 47]
    bridge, lips = [27, 28, 29, 30], [51, 62, 57, 66]
    assert list(IMAGE_LEFT_POINTS) == (
        [0, 1, 2, 3, 4, 5, 6, 7, 8] + brow_eye_image_left + bridge + [33, 32, 31, 48] + lips
    )
    assert list(IMAGE_RIGHT_POINTS) == (
        [16, 15, 14, 13, 12, 11, 10, 9, 8] + brow_eye_image_right + bridge + [33, 34, 35, 54] + lips
    )


def test_the_lower_lid_is_labelled_from_its_outer_corner():
    # CFP's points 16 and 17, seen in numbered photographs: the first is the outer one.
    assert [IMAGE_LEFT_POINTS[16], IMAGE_LEFT_POINTS[17]] == [41, 40]
    assert [IMAGE_RIGHT_POINTS[16], IMAGE_RIGHT_POINTS[17]] == [46, 47]


def test_frontal_photographs_are_read_on_request_without_a_label(folder):
    faces = read_cfp(folder, frontal=True)
    assert [path.name for path in faces.paths] == [row[0] for row in ROWS]
    assert faces.subjects == ("1", "1", "1", "2")
    assert faces.views == ("frontal", "profile", "profile", "profile")
    assert not (faces.landmarks[0] > 0).any()
    # Where the face is, is known all the same: about where its detected points are.
    x0, y0, x1, y1 = faces.rectangles[0]
    assert x0 < 100 < 129 < x1 + 29 and y0 < 21 and y1 > 50
    assert np.isnan(faces.rectangles[1:]).all()
    profiles = read_cfp(folder)
    np.testing.assert_array_equal(faces.landmarks[1:], profiles.landmarks)
    assert read_faces(folder, frontal=True).paths == faces.paths


def test_suspects_are_left_out_beside_frontal_photographs(tmp_path):
    folder = write_cfp(tmp_path / "cfp", ROWS, suspects=["001_p01.jpg"])
    names = [path.name for path in read_cfp(folder, frontal=True).paths]
    assert names == ["001_f01.jpg", "001_p02.jpg", "002_p01.jpg"]


def test_profiles_are_read_without_the_frontal_photographs(folder):
    faces = read_cfp(folder)
    assert [path.name for path in faces.paths] == ["001_p01.jpg", "001_p02.jpg", "002_p01.jpg"]
    assert faces.paths[0] == folder / "images" / "001_p01.jpg"
    assert faces.subjects == ("1", "1", "2") and np.isnan(faces.pose).all()
    assert faces.names[0].endswith("/cfp/001_p01.jpg, line 3")
    assert faces.sources[0].endswith("/cfp") and len(set(faces.sources)) == 1


def test_points_take_the_places_of_the_side_that_is_in_sight(folder):
    left, right, _ = read_cfp(folder).landmarks
    # The outer end of the brow is point 9, the corner of the mouth point 25.
    np.testing.assert_array_equal(left[17], [109, 41, 1])
    np.testing.assert_array_equal(left[48], [125, 25, 1])
    np.testing.assert_array_equal(right[26], [109.25, 41.25, 1])
    np.testing.assert_array_equal(right[54], [125.25, 25.25, 1])
    assert (left[[26, 54], 2] == 0).all() and (right[[17, 48], 2] == 0).all()
    for face in (left, right):
        assert (face[:, 2] > 0).sum() == 30 and (face[68:, 2] == 0).all()


def test_points_at_the_ear_and_on_the_jawbone_hardly_count(folder):
    left, right, _ = read_cfp(folder).landmarks
    np.testing.assert_allclose(left[:5, 2], [0.01, 0.01, 0.01, 0.01, 1])
    np.testing.assert_allclose(right[12:17, 2], [1, 0.01, 0.01, 0.01, 0.01])


def test_a_coordinate_that_is_missing_is_not_labelled(folder):
    landmarks = read_cfp(changed(folder, "110.25", "")).landmarks[1]
    assert landmarks[24, 2] == 0 and (landmarks[:, 2] > 0).sum() == 29


def test_suspect_photographs_are_left_out(tmp_path):
    faces = read_cfp(write_cfp(tmp_path, ROWS, suspects=["001_p02.jpg", "unknown.jpg"]))
    assert [path.name for path in faces.paths] == ["001_p01.jpg", "002_p01.jpg"]


def test_it_is_told_apart_from_other_folders(folder, tmp_path):
    assert is_cfp(folder) and len(read_faces(folder)) == 3
    more = [("kind", "profile"), ("subject_right_side", "1")]
    whole = write_csv(tmp_path / "whole", more=more)
    other = [write_csv(tmp_path / "csv"), write_300w(tmp_path / "helen"), tmp_path / "nowhere"]
    assert not any(map(is_cfp, [whole, *other]))
    np.testing.assert_array_equal(read_faces(whole).landmarks, read_landmark_csv(whole).landmarks)


def test_a_column_that_comes_twice_is_refused_if_it_is_read(folder):
    expected, path = read_cfp(folder), folder / "landmarks.csv"
    lines = [f"note,{line},note" for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))
    np.testing.assert_array_equal(read_cfp(folder).landmarks, expected.landmarks)
    path.write_text("\n".join(lines).replace("note", "person"))
    with pytest.raises(ValueError, match=r"landmarks\.csv: expected one column person, received"):
        read_cfp(folder)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("image,", "file,", "line 1: expected a column image, received file, person, kind,"),
        ("person,", "who,", "line 1: expected a column person, received image, who, kind,"),
        ("y29", "z29", r"line 1: expected a column y29, received image, .* \.\.\."),
        ("001_p01.jpg,", ",", "line 3: expected the name of an image, found none"),
        ("001_p01.jpg,1,profile,1", "001_p01.jpg,1,side,1",
         "line 3: expected frontal or profile in column kind, received 'side'"),
        ("001_p02.jpg,1,profile,0", "001_p02.jpg,1,profile,yes",
         "line 4: expected 0 or 1 in column subject_right_side, received 'yes'"),
        ("110.25", "far", "line 4: expected a number in column x10, received 'far'"),
    ],
)  # fmt: skip
def test_a_malformed_table_is_named_with_its_line(folder, before, after, message):
    with pytest.raises(ValueError, match=rf"landmarks\.csv, {message}"):
        read_cfp(changed(folder, before, after))


def test_a_row_that_was_cut_off_is_named_and_the_others_are_read(folder):
    path = folder / "landmarks.csv"
    expected = read_cfp(folder)
    path.write_text(path.read_text() + "003_p01.jpg,3,profile\n")
    faces = read_cfp(folder)
    assert faces.names == expected.names and expected.skipped == ()
    (skipped,) = faces.skipped
    assert str(skipped).endswith("landmarks.csv, line 6: expected 64 cells, received 3")


def test_a_list_of_suspects_that_was_cut_off_is_refused(tmp_path):
    folder = write_cfp(tmp_path, ROWS, suspects=["001_p01.jpg"])
    path = folder / "suspect_profile.csv"
    path.write_text(path.read_text() + "003_p01.jpg\n")
    with pytest.raises(ValueError, match=r"suspect_profile\.csv: expected whole rows: .* line \d"):
        read_cfp(folder)


def test_a_folder_without_a_profile_is_named(tmp_path):
    for name, rows in (("none", ROWS[:1]), ("suspect", ROWS[:2])):
        folder = write_cfp(tmp_path / name, rows, suspects=["001_p01.jpg"])
        with pytest.raises(ValueError, match=rf"landmarks\.csv: .* profile .* {len(rows)} other"):
            read_cfp(folder)
    with pytest.raises(ValueError, match="expected at least one row"):
        read_cfp(write_cfp(tmp_path / "empty", []))


def test_a_malformed_table_of_suspects_is_named(tmp_path):
    folder = changed(
        write_cfp(tmp_path, ROWS, suspects=["001_p01.jpg"]),
        "image,", "photograph,", "suspect_profile.csv",
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"suspect_profile\.csv, line 1: expected a column image"):
        read_cfp(folder)


def test_a_table_that_is_no_text_is_named(tmp_path):
    (tmp_path / "landmarks.csv").write_bytes(b"image,kind\n\xff\xfe")
    with pytest.raises(ValueError, match=r"landmarks\.csv: expected a CSV table in UTF-8"):
        is_cfp(tmp_path)
