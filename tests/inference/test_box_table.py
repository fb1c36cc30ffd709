"""Tables of boxes, as every system and editor writes them."""

import os
import unicodedata
from pathlib import Path

import pytest

from keras_3dmmstn.inference.box_table import plain_name, read_boxes


def write(path, text):
    path.write_text(text)
    return path


def test_boxes_are_found_by_the_end_of_a_path(tmp_path):
    boxes = read_boxes(
        write(tmp_path / "boxes.csv", "image,x0,y0,x1,y1\nann/1.jpg,1,2,3,4\n2.jpg,5,6,7,8.5\n")
    )
    assert boxes.box_of(Path("faces/ann/1.jpg")).tolist() == [1, 2, 3, 4]
    assert boxes.box_of(Path("/data/bob/2.jpg")).tolist() == [5, 6, 7, 8.5]
    with pytest.raises(
        ValueError, match=r"bob/1\.jpg: expected its box in .*boxes\.csv, found none"
    ):
        boxes.box_of(Path("bob/1.jpg"))


@pytest.mark.parametrize(
    "text",
    [
        "image,x0,y0,x1\na,1,2,3\n",
        "image,x0,y0,x1,y1\na,1,2,far,4\n",
        "image,x0,y0,x1,y1\na,1,2,1_0,40\n",
        "image,x0,y0,x1,y1\na,1,2,inf,40\n",
        "image,x0,y0,x1,y1\na,1,2,,40\n",
        "image,x0,y0,x1,y1\na,1\n",
        "image,x0,y0,x1,y1\n ,1,2,3,4\n",
    ],
)
def test_a_malformed_file_of_boxes_is_named(text, tmp_path):
    with pytest.raises(
        ValueError, match=r"boxes\.csv: expected columns image, x0, .*, received in line 2: "
    ):
        read_boxes(write(tmp_path / "boxes.csv", text))


@pytest.mark.parametrize("header", ["image,x0,y0,x1,y1, x0", "image;x0;y0;x1;y1;image"])
def test_a_column_that_is_there_twice_is_named(header, tmp_path):
    name = header.replace(";", ",").split(",")[-1].strip()
    text = header + "\n" + "\n1,2,3,4,5,6\n".replace(",", ";" if ";" in header else ",")
    with pytest.raises(ValueError, match=rf"boxes\.csv: expected one column {name}, received sev"):
        read_boxes(write(tmp_path / "boxes.csv", text))


@pytest.fixture
def box_in(tmp_path, monkeypatch):
    """A function to the box of `faces/ann/1.jpg` by a table beside `faces`, of one row."""
    (tmp_path / "faces" / "ann").mkdir(parents=True)
    (tmp_path / "faces" / "ann" / "1.jpg").write_bytes(b"")
    (tmp_path / "tables").mkdir()
    monkeypatch.chdir(tmp_path)

    def box(image, photograph="faces/ann/1.jpg", header="image,x0,y0,x1,y1", encoding="utf-8"):
        text = f"{header}\r\n{image},1, 2,3 ,4\r\n"
        (tmp_path / "tables" / "boxes.csv").write_bytes(text.encode(encoding))
        return read_boxes("tables/boxes.csv").box_of(Path(photograph)).tolist()

    return box


@pytest.mark.parametrize(
    "image",
    [
        "1.jpg",
        "ann/1.jpg",
        "./ann/1.jpg",
        "ann//./1.jpg",
        "faces/bob/../ann/1.jpg",
        "ann\\1.jpg",
        ".\\faces\\ann\\1.jpg",
        " ann/1.jpg ",
        '"ann/1.jpg"',
        "../faces/ann/1.jpg",
        "{folder}/faces/ann/1.jpg",
        "{folder}/./faces/bob/../ann/1.jpg",
    ],
)
@pytest.mark.parametrize(
    "photograph", ["faces/ann/1.jpg", "./faces/ann/1.jpg", "{folder}/faces/ann/1.jpg"]
)
def test_paths_are_compared_whatever_their_spelling(box_in, tmp_path, image, photograph):
    image, photograph = (name.format(folder=tmp_path) for name in (image, photograph))
    assert box_in(image, photograph) == [1, 2, 3, 4]


@pytest.mark.parametrize("image", ["nn/1.jpg", "bob/1.jpg", "/ann/1.jpg", "../ann/1.jpg", "1.JPEG"])
def test_another_path_is_another_photograph(box_in, image):
    with pytest.raises(ValueError, match=r"1\.jpg: expected its box in .*boxes\.csv, found none"):
        box_in(image)


def test_of_two_names_the_longer_one_counts(tmp_path):
    text = "image,x0,y0,x1,y1\n1.jpg,1,1,2,2\nann/1.jpg,3,3,4,4\n"
    boxes = read_boxes(write(tmp_path / "boxes.csv", text))
    assert boxes.box_of(Path("faces/ann/1.jpg")).tolist() == [3, 3, 4, 4]
    assert boxes.box_of(Path("faces/bob/1.jpg")).tolist() == [1, 1, 2, 2]


def test_a_mark_at_the_beginning_and_spaces_at_commas_do_no_harm(box_in):
    assert box_in("1.jpg", encoding="utf-8-sig") == [1, 2, 3, 4]
    assert box_in("1.jpg", header="image, x0, y0 , x1, y1", encoding="utf-8-sig") == [1, 2, 3, 4]


def test_links_are_followed(box_in, tmp_path):
    (tmp_path / "latest.jpg").symlink_to(tmp_path / "faces" / "ann" / "1.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "faces")
    assert box_in("ann/1.jpg", "latest.jpg") == [1, 2, 3, 4]
    assert box_in("latest.jpg", "latest.jpg") == [1, 2, 3, 4]
    assert box_in(f"{tmp_path}/link/ann/1.jpg") == [1, 2, 3, 4]


def test_accents_are_the_same_in_both_ways_of_writing_them(box_in):
    one, two = (unicodedata.normalize(form, "J\u00f6rg.jpg") for form in ("NFC", "NFD"))
    assert one != two and box_in(one, two) == box_in(two, one) == [1, 2, 3, 4]


@pytest.mark.parametrize("delimiter", [";", "\t", "; "])
def test_tables_of_other_countries_are_read(tmp_path, delimiter):
    rows = [["image", "x0", "y0", "x1", "y1"], ["a,b.jpg", "1,5", "2", "-3,25", "4.5"]]
    text = "\ufeff" + "".join(delimiter.join(row) + "\r\n" for row in rows)
    path = tmp_path / "boxes.csv"
    path.write_text(text, encoding="utf-8")
    assert read_boxes(path).box_of(Path("a,b.jpg")).tolist() == [1.5, 2, -3.25, 4.5]


def test_a_comma_in_a_number_of_a_table_with_commas_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"line 2: .*'1,234'"):
        read_boxes(write(tmp_path / "boxes.csv", 'image,x0,y0,x1,y1\n1.jpg,"1,234",2,3,4\n'))


@pytest.mark.parametrize("content", ["image\n".encode("utf-16"), b"image,x0\nJ\xf6rg,1\n"])
def test_a_table_that_is_not_in_utf_8_is_named(content, tmp_path):
    (tmp_path / "boxes.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"boxes\.csv: expected a CSV table in UTF-8: "):
        read_boxes(tmp_path / "boxes.csv")


def test_plain_names_have_no_spaces_around_them_and_no_detours():
    assert plain_name(" ./a\\b/../c.jpg ") == ("a/c.jpg" if os.name != "nt" else "a/c.jpg".lower())
    assert plain_name("") == ""


def test_two_boxes_of_one_photograph_are_named(tmp_path):
    rows = "image,x0,y0,x1,y1\na.jpg,1,2,3,4\nb.jpg,1,2,3,4\n"
    same = read_boxes(write(tmp_path / "boxes.csv", rows + "./a.jpg,1,2,3,4\n"))
    assert same.box_of(tmp_path / "a.jpg").tolist() == [1, 2, 3, 4]
    with pytest.raises(ValueError, match=r"boxes\.csv: expected one box .* line 4 .* of a\.jpg"):
        read_boxes(write(tmp_path / "boxes.csv", rows + "./a.jpg,1,2,3,5\n"))


def test_a_row_that_ends_before_the_name_is_named(tmp_path):
    table = write(tmp_path / "boxes.csv", "x0,y0,x1,y1,image\n1,2,3,4\n")
    with pytest.raises(ValueError, match=r"boxes\.csv: .* in line 2: no name of an image"):
        read_boxes(table)
