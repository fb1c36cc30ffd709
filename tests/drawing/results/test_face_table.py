"""Tables of faces, in both formats."""

import csv
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from keras_3dmmstn.drawing.results import parquet_rows
from keras_3dmmstn.drawing.results.face_table import COLUMNS, check_table, face_table
from tests.support.faces_with_labels import normaliser_that_says

NAMES = ["a, b.png", 'say "x".png', "two\nlines.png", "=1+1.png", "-x.png", "grün 顔.png", " x "]


@pytest.fixture(scope="module")
def faces():
    photograph = np.random.default_rng(0).integers(0, 256, (200, 240, 3), np.uint8)
    return normaliser_that_says()(photograph, [[60, 50, 160, 150], [80, 60, 170, 150]])


@pytest.fixture(params=[".csv", ".parquet", ".CSV"])
def path(request, tmp_path):
    return tmp_path / f"faces{request.param}"


def read(path):
    """The rows of a table, as dicts; of a CSV as texts."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path, *rows):
    with face_table(path) as table:
        for row in rows:
            table.add(*row)


def test_a_row_holds_what_is_known_of_a_face(path, faces):
    write(path, ("x.png", faces))
    rows = read(path)
    assert [list(row) for row in rows] == [list(COLUMNS)] * 2
    for number, (row, face) in enumerate(zip(rows, faces, strict=True)):
        assert (row["source"], row["problem"]) == ("x.png", "")
        assert int(row["face"]) == number
        box = [float(row[name]) for name in ("x0", "y0", "x1", "y1")]
        np.testing.assert_allclose(box, face.box, atol=1e-4)
        for name, value in face.quantities()._asdict().items():
            if isinstance(value, bool):
                assert str(row[name]).lower() == str(value).lower()
            else:
                assert float(row[name]) == pytest.approx(value, abs=1e-4)


def test_what_is_not_known_is_empty(path, faces):
    write(path, ("x.png", faces[:1]), ("y.png", [], "no face was found"))
    first, second = read(path)
    nothing = None if path.suffix == ".parquet" else ""
    assert first["score"] == first["confidence"] == nothing  # a given box, weights without one
    assert (second.pop("source"), second.pop("problem")) == ("y.png", "no face was found")
    assert set(second.values()) == {nothing}


def test_a_photograph_may_have_faces_and_a_problem(path, faces):
    write(path, ("x.png", faces[:1], "not written"))
    (row,) = read(path)
    assert row["problem"] == "not written" and float(row["width"]) > 0


def test_names_stay_as_they_are(path, faces):
    write(path, *((Path(name), faces[:1]) for name in NAMES))
    assert [row["source"] for row in read(path)] == NAMES


def test_bytes_that_are_no_text_are_escaped(path):
    write(path, (os.fsdecode(b"\xffx\xc3\xa9.png"), [], "bad \udcfe"))
    (row,) = read(path)
    assert (row["source"], row["problem"]) == (r"\udcffxé.png", r"bad \udcfe")


def test_a_table_without_photographs_has_its_columns(path):
    write(path)
    assert read(path) == []
    check_table(path)
    if path.suffix == ".parquet":
        assert pyarrow.parquet.read_schema(path).names == list(COLUMNS)


def test_a_parquet_has_kinds_and_is_written_in_parts(tmp_path, faces, monkeypatch):
    monkeypatch.setattr(parquet_rows, "_ROWS_AT_ONCE", 3)
    path = tmp_path / "faces.parquet"
    write(path, *((f"{number}.png", faces) for number in range(4)))
    file = pyarrow.parquet.ParquetFile(path)
    assert [file.metadata.row_group(n).num_rows for n in range(3)] == [3, 3, 2]
    assert [row["source"] for row in read(path)] == [f"{n // 2}.png" for n in range(8)]
    kinds = {field.name: field.type for field in file.schema_arrow}
    assert kinds["face"] == pyarrow.int32() and kinds["mouth_open"] == pyarrow.bool_()
    assert kinds["yaw"] == pyarrow.float64() and kinds["source"] == pyarrow.string()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_after_an_error_nothing_new_is_left(path, faces, error):
    write(path, ("old.png", faces))
    before = path.read_bytes()
    with pytest.raises(BaseException) as caught, face_table(path) as table:
        table.add("new.png", faces)
        raise error
    assert type(caught.value) in (KeyboardInterrupt, OSError)
    assert [name.name for name in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_folders_above_a_table_are_made(path, faces):
    write(path.parent / "a" / "b" / path.name, ("x.png", faces))
    assert len(read(path.parent / "a" / "b" / path.name)) == 2


def test_a_table_may_replace_one_of_ours_and_an_empty_file(path, faces):
    check_table(path)
    path.touch()
    check_table(path)
    write(path, ("x.png", faces))
    check_table(path)
    write(path, ("y.png", faces[:1]))
    assert [row["source"] for row in read(path)] == ["y.png"]


def test_a_table_with_other_ends_of_lines_is_ours(tmp_path, faces):
    path = tmp_path / "faces.csv"
    write(path, ("x.png", faces))
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").removeprefix(b"\xef\xbb\xbf"))
    check_table(path)


@pytest.mark.parametrize("content", [b"image,x0,y0,x1,y1\r\na.png,1,2,3,4\r\n", b"\0\xff" * 90])
def test_what_is_not_ours_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(FileExistsError, match="there is something else"):
        check_table(path)


def test_the_parquet_of_another_program_is_refused(tmp_path):
    path = tmp_path / "mine.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"source": ["x"]}), path)
    with pytest.raises(FileExistsError, match="or nothing, but there is"):
        check_table(path)


def test_a_folder_and_a_broken_link_are_refused(path):
    path.mkdir()
    with pytest.raises(FileExistsError, match="there is something else"):
        check_table(path)
    path.rmdir()
    path.symlink_to("nowhere")
    with pytest.raises(FileExistsError, match="there is something else"):
        check_table(path)


@pytest.mark.parametrize("name", ["faces", "faces.xlsx", "faces.csv.gz", ".csv"])
def test_other_endings_are_named(tmp_path, name):
    with pytest.raises(ValueError, match=r"ends in \.csv or \.parquet, received .*" + name):
        check_table(tmp_path / name)


def test_a_missing_pyarrow_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r'pip install "keras-3dmmstn\[table\]"'):
        check_table(tmp_path / "faces.parquet")
    check_table(tmp_path / "faces.csv")
