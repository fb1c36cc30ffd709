"""Names of photographs that leave their folder."""

import pytest

from keras_3dmmstn.training.data.faces import read_faces, read_landmark_csv
from keras_3dmmstn.training.data.readers.cfp import read_cfp
from keras_3dmmstn.training.data.readers.photograph_names import leaves_folder
from tests.support.face_folders import write_cfp, write_csv

OUTSIDE = (
    "/etc/a.jpg",
    "../a.jpg",
    "b/../../a.jpg",
    "..\\a.jpg",
    "C:\\a.jpg",
    "C:a.jpg",
    "\\\\host\\a.jpg",
    "..",
)


@pytest.mark.parametrize("name", OUTSIDE)
def test_absolute_names_and_those_that_climb_leave_their_folder(name):
    assert leaves_folder(name)


@pytest.mark.parametrize(
    "name", ["a.jpg", "./a.jpg", "b/a.jpg", "b\\a.jpg", "a..jpg", "...", "..a/b"]
)
def test_other_names_stay_in_it(name):
    assert not leaves_folder(name)


@pytest.mark.parametrize("name", OUTSIDE[:3])
def test_a_row_that_leaves_its_folder_is_left_out_by_name_unless_wanted(tmp_path, name):
    write_csv(tmp_path)
    table = tmp_path / "landmarks.csv"
    header, row = table.read_text().splitlines()
    table.write_text("\n".join([header, row, row.replace("one.jpg", name)]))
    faces = read_faces(tmp_path)
    assert [path.name for path in faces.paths] == ["one.jpg"]
    (skipped,) = faces.skipped
    assert "line 3" in skipped.name and "--anywhere" in skipped.reason
    assert len(read_faces(tmp_path, anywhere=True)) == 2
    table.write_text("\n".join([header, row.replace("one.jpg", name)]))
    with pytest.raises(ValueError, match="none of the 1 could be used"):
        read_landmark_csv(tmp_path)


def test_cfp_is_read_with_the_same_care(tmp_path, rng):
    points = rng.uniform(10, 90, (30, 2))
    write_cfp(tmp_path, [("a.jpg", 1, "profile", 1, points), ("b/c.jpg", 2, "profile", 0, points)])
    table = tmp_path / "landmarks.csv"
    table.write_text(table.read_text().replace("b/c.jpg", "../c.jpg"))
    assert read_cfp(tmp_path).subjects == ("1",)
    assert read_cfp(tmp_path, anywhere=True).subjects == ("1", "2")
