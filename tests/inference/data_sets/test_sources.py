"""The photographs of folders, tables and URLs."""

import os
import re
import sys

import numpy as np
import pytest

from keras_3dmmstn.inference.data_sets.places import place_of
from keras_3dmmstn.inference.data_sets.sources import (
    SourcePhotograph,
    photographs_in,
    read_image,
    root_of,
)
from tests.support.data_sets import write_table


def images(source, **options):
    return [photograph.image for photograph in photographs_in(source, **options)]


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def test_a_folder_has_everything_below_it_in_the_order_of_names(tmp_path):
    touch(tmp_path, "b.JPG", "c/1.png", "a.heic", "c/0/2.webp", "words.txt")
    assert images(tmp_path) == ["a.heic", "b.JPG", "c/1.png", "c/0/2.webp"]


def test_what_is_hidden_a_link_or_no_file_is_left_out(tmp_path):
    touch(tmp_path, "in/a.jpg", "in/.b.jpg", "in/.c/d.jpg", "beside/e.jpg")
    (tmp_path / "in/link").symlink_to(tmp_path / "beside")
    os.mkfifo(tmp_path / "in/pipe.jpg")
    assert images(tmp_path / "in") == ["a.jpg"]


def test_the_caller_may_leave_names_out(tmp_path):
    touch(tmp_path, "a.jpg", "b.jpg")
    assert images(tmp_path, among=lambda names: [n for n in names if n != "a.jpg"]) == ["b.jpg"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="Expected a folder with photographs"):
        images(tmp_path / "nowhere")


def test_a_file_that_is_no_table_is_an_error(tmp_path):
    touch(tmp_path, "a.jpg")
    with pytest.raises(ValueError, match=r"a\.jpg: expected a folder, or a table that ends in"):
        images(tmp_path / "a.jpg")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads anything")
def test_a_folder_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "a").mkdir(mode=0)
    with pytest.raises(PermissionError):
        images(tmp_path)


def test_what_walking_meets_is_raised(tmp_path, monkeypatch):
    def walk(top, onerror):
        onerror(PermissionError(13, "Permission denied", str(top)))
        yield from ()

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(PermissionError):
        images(tmp_path)


def test_a_url_has_everything_below_it(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    from keras_3dmmstn.inference.data_sets import sources
    from keras_3dmmstn.inference.data_sets.places import RemotePlace

    touch(tmp_path, "b.jpg", "c/1.png", ".d/a.jpg", "c/words.txt")
    monkeypatch.setattr(sources, "place_of", RemotePlace)
    assert images(tmp_path.as_uri()) == ["b.jpg", "c/1.png"]


def test_rows_of_a_table_may_have_boxes(tmp_path):
    table = write_table(tmp_path / "t.csv", [("a.jpg", 1, 2, 3.5, 4), ("a.jpg", "", "", "", "")])
    assert list(photographs_in(table)) == [
        SourcePhotograph("a.jpg", (1, 2, 3.5, 4)),
        SourcePhotograph("a.jpg", None),
    ]


def test_boxes_may_be_missing_altogether(tmp_path):
    table = write_table(tmp_path / "t.csv", [("b.jpg",), ("a, c.jpg",)], ["image"])
    assert images(table) == ["b.jpg", "a, c.jpg"]


def test_semicolons_go_with_decimal_commas(tmp_path):
    (tmp_path / "t.CSV").write_text("\ufeffimage ;x0;y0;x1;y1\na.jpg; 1,5;2;3;4\n", "utf-8")
    assert list(photographs_in(tmp_path / "t.CSV")) == [SourcePhotograph("a.jpg", (1.5, 2, 3, 4))]


def parquet(file, **columns):
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(columns), file)
    return file


def test_a_parquet_table_is_read_likewise(tmp_path):
    box = {name: [n, None] for n, name in enumerate(("x0", "y0", "x1", "y1"), 1)}
    table = parquet(tmp_path / "t.parquet", image=["a.jpg", "b.jpg"], other=[1, 2], **box)
    assert list(photographs_in(table)) == [
        SourcePhotograph("a.jpg", (1, 2, 3, 4)),
        SourcePhotograph("b.jpg", None),
    ]
    nan = {name: [np.nan] for name in ("x0", "y0", "x1", "y1")}
    table = parquet(tmp_path / "t.parquet", image=["a.jpg"], **nan)
    assert list(photographs_in(table)) == [SourcePhotograph("a.jpg", None)]


@pytest.mark.parametrize(
    "columns, rows, message",
    [
        (["path"], [["a"]], r"t\.csv: expected columns image .* received path\."),
        (["image", "x0", "y0"], [["a", 1, 2]], r"received image, x0, y0\."),
        ([], [], r"received none\."),
        (["image", "image"], [["a", "b"]], r"t\.csv: expected one column image, received several"),
    ],
)
def test_a_wrong_table_is_refused(columns, rows, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        images(write_table(tmp_path / "t.csv", rows, columns))


BOXES = ("image", "x0", "y0", "x1", "y1")


@pytest.mark.parametrize(
    "columns, row, message",
    [
        (["image"], [" "], r"^row 2: expected the name of an image, received none$"),
        (["x0", "y0", "x1", "y1", "image"], [1, 2, 3, 4], r"the name of an image, received none$"),
        (BOXES, ["a", 1, 2, 3], r"^row 2: expected four numbers .* received 1, 2, 3, \(cut off\)"),
        (BOXES, ["a"], r"received \(cut off\), "),
        (BOXES, ["a", 1, 2, 3, "x"], r"received 1, 2, 3, x$"),
        (BOXES, ["a", 1, 2, 3, "inf"], r"received 1, 2, 3, inf$"),
        (BOXES, ["a", 1, 2, 3, "1_0"], r"received 1, 2, 3, 1_0$"),
        (BOXES, ["a", 1, 2, 3, ""], r"received 1, 2, 3, nothing$"),
    ],
)
def test_a_wrong_row_says_what_is_wrong_and_ends_nothing(columns, row, message, tmp_path):
    right = ["b.jpg" if column == "image" else 5 for column in columns]
    table = write_table(tmp_path / "t.csv", [right, row, right], columns)
    first, wrong, last = photographs_in(table)
    assert first == last and first.image == "b.jpg" and first.fault is None
    assert wrong.box is None
    assert re.search(message, wrong.fault)


def test_a_wrong_row_of_a_parquet_table_says_so_likewise(tmp_path):
    box = {name: [1.0, None if name == "y1" else 2.0] for name in BOXES[1:]}
    table = parquet(tmp_path / "t.parquet", image=[None, "b.jpg"], **box)
    assert [photograph.fault for photograph in photographs_in(table)] == [
        "row 1: expected the name of an image, received none",
        "row 2: expected four numbers of a box, or none, received 2.0, 2.0, 2.0, nothing",
    ]


def test_other_files_are_no_tables(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"image\n\xff\xfe\n")
    with pytest.raises(ValueError, match=r"t\.csv: expected a CSV table in UTF-8"):
        images(tmp_path / "t.csv")
    (tmp_path / "u.csv").write_text('image\n"' + "a" * 200_000 + '"\n')
    with pytest.raises(ValueError, match="field larger than"):
        images(tmp_path / "u.csv")
    pytest.importorskip("pyarrow")
    (tmp_path / "t.parquet").write_bytes(b"words")
    with pytest.raises(ValueError, match=r"t\.parquet: expected a Parquet table"):
        images(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"expected columns"):
        images(parquet(tmp_path / "t.parquet", path=["a.jpg"]))
    with pytest.raises(FileNotFoundError):
        images(tmp_path / "nowhere.csv")


def test_without_pyarrow_a_parquet_table_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"t\.parquet needs pyarrow: pip install"):
        images(tmp_path / "t.parquet")


def test_images_are_below_the_folder_or_beside_the_table(tmp_path, monkeypatch):
    touch(tmp_path, "in/a.jpg")
    write_table(tmp_path / "in/t.csv", [], ["image"])
    monkeypatch.chdir(tmp_path)
    for source in ("in", "in/t.csv"):
        root = place_of(root_of(source))
        assert root.folder.is_absolute()
        assert read_image(root, "a.jpg") == b"in/a.jpg"
        assert read_image(root, "../in/a.jpg") == b"in/a.jpg"
        assert read_image(root, str(tmp_path / "in/a.jpg")) == b"in/a.jpg"
        assert read_image(root, (tmp_path / "in/a.jpg").as_uri()) == b"in/a.jpg"
    assert root_of("s3://bucket/in?region=x") == "s3://bucket/in?region=x"
    assert root_of("s3://bucket/in/t.parquet?region=x") == "s3://bucket/in?region=x"
