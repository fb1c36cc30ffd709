"""AFLW as its owners ship it."""

import sqlite3

import numpy as np
import pytest

from keras_3dmmstn.training.data.readers.aflw import is_aflw, read_aflw
from tests.support.face_folders import aflw_points, write_aflw
from tests.support.paths import labelled_photographs

FACES = {
    41: {
        "file": "0/image00002.jpg",
        "points": {1: (3.5, 4.25), 21: (9.0, 10.0)},
        "rectangle": (-3, 12, 66, 60),
        "pose": (0.1, -0.2, 1.25),
    },
    39: {"file": "2/image00001.jpg", "points": {15: (0.0, 7.0)}},
    44: {"file": "0/image00002.jpg", "points": {2: (1.0, 1.0)}, "rectangle": (5, 6, 0, 0)},
    50: {"file": "0/image00005.jpg", "rectangle": (1, 2, 30, 40)},
}


@pytest.fixture
def folder(tmp_path):
    return write_aflw(tmp_path / "aflw", FACES)


def test_faces_come_by_number_with_photograph_points_pose_and_rectangle(folder):
    faces = read_aflw(folder)
    assert [path.relative_to(folder).as_posix() for path in faces.paths] == [
        "flickr/2/image00001.jpg",
        "flickr/0/image00002.jpg",
        "flickr/0/image00002.jpg",
    ]
    assert faces.names[1] == "0/image00002.jpg, face 41"
    np.testing.assert_array_equal(faces.landmarks[1, 68], [2.5, 3.25, 1])
    np.testing.assert_array_equal(faces.landmarks[1, 88], [8, 9, 1])
    np.testing.assert_array_equal(faces.landmarks[0, 68 + 14], [-1, 6, 1])
    assert (faces.landmarks[..., 2] > 0).sum(axis=1).tolist() == [1, 2, 1]
    np.testing.assert_allclose(faces.pose[1], [0.1, -0.2, 1.25], atol=1e-7)
    np.testing.assert_array_equal(faces.rectangles[1], [-4, 11, 62, 71])


def test_a_copy_that_counts_pixels_from_0_can_be_read(folder):
    counted_from_0 = read_aflw(folder, first_pixel=0)
    np.testing.assert_array_equal(counted_from_0.landmarks[1, 68], [3.5, 4.25, 1])
    np.testing.assert_array_equal(counted_from_0.rectangles[1], [-3, 12, 63, 72])
    assert (counted_from_0.landmarks[1, 70] == 0).all()


def test_what_the_database_does_not_have_is_not_known(folder):
    faces = read_aflw(folder)
    assert np.isnan(faces.pose[0]).all() and np.isnan(faces.rectangles[0]).all()
    # A rectangle without extent says nothing.
    assert np.isnan(faces.rectangles[2, 2:]).all()


def test_faces_with_too_few_points_are_left_out(folder):
    assert len(read_aflw(folder, minimum_points=0)) == 4
    assert read_aflw(folder, minimum_points=2).names == ("0/image00002.jpg, face 41",)
    with pytest.raises(ValueError, match="at least 3 labelled points, found none among 4"):
        read_aflw(folder, minimum_points=3)


def test_the_mark_of_an_absent_point_is_no_point(tmp_path):
    points = {1: (-1.0, -1.0), 2: (-1.0, 4.0), 3: (None, 5.0)}
    folder = write_aflw(tmp_path, {1: {"file": "0/a.jpg", "points": points}})
    assert np.flatnonzero(read_aflw(folder).landmarks[0, :, 2]).tolist() == [69]


def test_the_folder_above_is_known_too(tmp_path, folder):
    folder.rename(tmp_path / "data")
    assert is_aflw(tmp_path) and not is_aflw(tmp_path / "data" / "flickr")
    assert len(read_aflw(tmp_path)) == 3


def test_backslashes_in_the_database_are_folders(tmp_path):
    folder = write_aflw(tmp_path, {1: {"file": "0/a.jpg", "points": {1: (1, 1)}}})
    with sqlite3.connect(folder / "aflw.sqlite") as database:
        database.execute("UPDATE FaceImages SET filepath = '0\\a.jpg'")
    database.close()
    assert read_aflw(folder).paths[0].exists()


def test_the_database_is_not_written_to(folder):
    before = sorted(path.name for path in folder.iterdir())
    (folder / "aflw.sqlite").chmod(0o444)
    read_aflw(folder)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_folder_without_database_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"Expected aflw\.sqlite of AFLW in .*, found none"):
        read_aflw(tmp_path)


def test_a_damaged_or_foreign_database_is_named(tmp_path, folder):
    (tmp_path / "aflw.sqlite").write_bytes(b"not a database, certainly not" * 100)
    with pytest.raises(ValueError, match=r"aflw\.sqlite: expected the database of AFLW: file is"):
        read_aflw(tmp_path)
    with sqlite3.connect(folder / "aflw.sqlite") as database:
        database.execute("DROP TABLE FeatureCoords")
    database.close()
    with pytest.raises(ValueError, match=r"aflw\.sqlite: .*no such table: FeatureCoords"):
        read_aflw(folder)


def test_a_face_without_photograph_row_is_kept_by_its_file_name(tmp_path):
    folder = write_aflw(tmp_path, {1: {"file": "0/a.jpg", "points": aflw_points()}})
    with sqlite3.connect(folder / "aflw.sqlite") as database:
        database.execute("DELETE FROM FaceImages")
    database.close()
    assert read_aflw(folder).names == ("a.jpg, face 1",)


def test_the_small_aflw_is_read_whole():
    faces = read_aflw(labelled_photographs("aflw"))
    assert len(faces) == 1166 and all(path.exists() for path in faces.paths)
    assert (faces.landmarks[..., 2] > 0).sum() == 20898
    assert (faces.rectangles[:, :2] < 0).any()
