"""AFLW as its owners ship it."""

import re
import sqlite3

import numpy as np
import pytest

from keras_3dmmstn.training.data.readers import aflw_database
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


def changed(folder, statements):
    """Runs SQL on a folder's database."""
    with sqlite3.connect(folder / "aflw.sqlite") as database:
        database.executescript(statements)
    database.close()
    return folder


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE FaceImages SET filepath = x'ff00' WHERE filepath LIKE '2/%'", "name of a photogr"),
        ("UPDATE Faces SET db_id = x'00' WHERE face_id = 39", "expected the name of a photograph"),
        ("DELETE FROM FaceImages; UPDATE Faces SET file_id = NULL WHERE face_id = 39", "name of a"),
        (
            "INSERT INTO FacePose VALUES (39, 'left', 0, 0, 1)",
            "rectangle and pose, received .*left",
        ),
        ("INSERT INTO FaceRect VALUES (39, x'01', 0, 0, 0, 1)", "expected its number, rectangle"),
        ("UPDATE FeatureCoords SET x = 'far' WHERE face_id = 39", "numbers of its points.*'far'"),
        ("UPDATE FeatureCoords SET y = x'02' WHERE face_id = 39", "expected numbers of its points"),
        ("UPDATE FeatureCoords SET x = 1e300 WHERE face_id = 39", "100,000 pixels, received 3.4"),
        (
            "INSERT INTO FaceRect VALUES (39, 1e300, 0, 9, 9, 1)",
            "a rectangle within .*received 3.4",
        ),
    ],
)
def test_a_row_that_is_none_costs_its_face_alone(folder, statement, reason):
    faces = read_aflw(changed(folder, statement))
    assert all("face 39" not in name for name in faces.names) and len(faces) == 2
    (skipped,) = faces.skipped
    assert "39" in skipped.name and re.search(reason, skipped.reason)


def test_no_row_that_is_one_is_an_error(folder):
    changed(folder, "UPDATE FeatureCoords SET x = 'far'; DELETE FROM Faces WHERE face_id = 50")
    with pytest.raises(
        ValueError, match=r"none of the 3 could be used.*aflw\.sqlite, face 39: exp"
    ):
        read_aflw(folder)


ENDLESS = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
    SELECT i AS face_id, 'a' AS file_id, 'flickr' AS db_id FROM n
"""


def test_a_view_in_place_of_a_table_is_refused(folder):
    changed(folder, f"DROP TABLE Faces; CREATE VIEW faces AS {ENDLESS}")
    with pytest.raises(ValueError, match=r"aflw\.sqlite: expected a table faces, received a view"):
        read_aflw(folder)


def test_a_computed_column_is_refused(folder):
    columns = "face_id, feature_id, y, x AS (zeroblob(200000000))"
    changed(
        folder,
        f"DROP TABLE FeatureCoords; CREATE TABLE FeatureCoords({columns});"
        "INSERT INTO FeatureCoords(face_id, feature_id, y) VALUES (39, 1, 2);",
    )
    expected = r"aflw\.sqlite: expected stored values in FeatureCoords, .*computed column 'x'"
    with pytest.raises(ValueError, match=expected):
        read_aflw(folder)


@pytest.mark.parametrize("error", [MemoryError(), UnicodeDecodeError("utf-8", b"\x80", 0, 1, "")])
def test_what_a_damaged_page_does_to_sqlite_is_named(error, folder, monkeypatch):
    def fail(path, database):
        raise error

    monkeypatch.setattr(aflw_database, "_refuse_views", fail)
    expected = r"aflw\.sqlite: expected the database of AFLW: (it asks for more memory|'utf-8')"
    with pytest.raises(ValueError, match=expected):
        read_aflw(folder)


def test_a_query_that_does_not_end_is_ended(folder, monkeypatch):
    monkeypatch.setattr(aflw_database, "_FEWEST_STEPS", 1_000_000)
    # 3,000 rectangles and 3,000 poses of one face: nine million rows.
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000)"
    columns = ("face_id, x, y, w, h", "face_id, roll, pitch, yaw")
    changed(
        folder,
        "DROP TABLE FaceRect; DROP TABLE FacePose;"
        f"CREATE TABLE FaceRect({columns[0]}); CREATE TABLE FacePose({columns[1]});"
        f"INSERT INTO FaceRect {many} SELECT 39, 1, 1, 1, 1 FROM n;"
        f"INSERT INTO FacePose {many} SELECT 39, 0, 0, 0 FROM n;",
    )
    with pytest.raises(
        ValueError, match=r"aflw\.sqlite: expected the database of AFLW: interrupted"
    ):
        read_aflw(folder)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE FaceImages SET filepath = '../../../secret.jpg' WHERE filepath LIKE '2/%'",
        "UPDATE FaceImages SET filepath = '..\\..\\..\\secret.jpg' WHERE filepath LIKE '2/%'",
        "UPDATE FaceImages SET filepath = '/etc/secret.jpg' WHERE filepath LIKE '2/%'",
        "UPDATE Faces SET db_id = '../..' WHERE face_id = 39",
        "UPDATE Faces SET db_id = '/etc' WHERE face_id = 39",
    ],
)
def test_photographs_outside_of_the_folder_are_left_out_unless_wanted(folder, statement):
    faces = read_aflw(changed(folder, statement))
    assert len(faces) == 2 and "expected a photograph in" in faces.skipped[0].reason
    assert len(read_aflw(folder, anywhere=True)) == 3


def test_the_small_aflw_is_read_whole():
    faces = read_aflw(labelled_photographs("aflw"))
    assert len(faces) == 1166 and all(path.exists() for path in faces.paths)
    assert (faces.landmarks[..., 2] > 0).sum() == 20898
    assert (faces.rectangles[:, :2] < 0).any()
