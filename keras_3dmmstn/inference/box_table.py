"""Tables of boxes: where the face is in each of some photographs."""

import csv
import io
import os
import posixpath
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_3dmmstn.number_texts import check_columns_differ, number
from keras_3dmmstn.outside_files import read_file

# Between the columns: a spreadsheet writes what is usual in its country.
_DELIMITERS = ",;\t"
_COLUMNS = ("image", "x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class FaceBoxes:
    """Where the face is in each of some photographs.

    Attributes:
        path: the file that says so.
        boxes: photographs, as `plain_name` writes the end of their paths or all of it, to `(4,)`
            x0, y0, x1, y1 in pixels.
    """

    path: Path
    boxes: dict[str, np.ndarray]

    def box_of(self, photograph: Path) -> np.ndarray:
        """Returns the box of a photograph, by as much of its path as the file has.

        Links are followed where the path itself is not in the file.

        Raises:
            ValueError: if it has none.
        """
        for path in (os.path.abspath(photograph), os.path.realpath(photograph)):  # noqa: PTH100
            for name in _ends(plain_name(path)):
                if name in self.boxes:
                    return self.boxes[name]
        raise ValueError(f"{photograph}: expected its box in {self.path}, found none.")


def read_boxes(path: str | Path) -> FaceBoxes:
    """Reads a CSV with columns image, x0, y0, x1, y1: the tight box of a face's 68 landmarks.

    An image is called by its file's name, by the end of its path, such as `person/image.jpg`, or by
    all of its path. What begins with `..` starts from the current folder or from the file's own.
    Between columns there may be semicolons or tabs, too, and numbers may have decimal commas then.

    Raises:
        ValueError: if it is no table in UTF-8, a column is missing or there twice, or a value is
            not a number, or there are two boxes of one photograph.
    """
    path = Path(path)
    boxes: dict[str, np.ndarray] = {}
    for line, row in _rows(path):
        try:
            box = np.array([number(row[name] or "") for name in _COLUMNS[1:]])
            names = _names(row["image"] or "", path.parent)
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"{path}: expected columns {', '.join(_COLUMNS)} with numbers, received in line "
                f"{line}: {error}"
            ) from error
        twice = [name for name in names if name in boxes and not np.array_equal(boxes[name], box)]
        if twice:
            raise ValueError(
                f"{path}: expected one box for each photograph, received in line {line} another "
                f"one of {twice[0]}."
            )
        boxes |= dict.fromkeys(names, box)
    return FaceBoxes(path, boxes)


def plain_name(name: str) -> str:
    """Returns the path of a photograph in one spelling, of whatever system and editor it is.

    Without spaces around it, with `/`, without `.`, and with letters and their accents in one.
    """
    name = unicodedata.normalize("NFC", os.path.normcase(name.strip())).replace("\\", "/")
    return posixpath.normpath(name) if name else name


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the rows of a CSV and the numbers of their lines; there may be spaces at commas."""
    try:
        text = read_file(path).decode("utf-8-sig")  # Excel begins with a mark
        header = text.split("\n", 1)[0]
        delimiter = max(_DELIMITERS, key=header.count)
        reader = csv.DictReader(
            io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True
        )
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        check_columns_differ(path, (name for name in reader.fieldnames if name in _COLUMNS))
        for row in reader:
            if delimiter != ",":
                row |= {n: row[n].replace(",", ".") for n in _COLUMNS[1:] if row.get(n)}
            yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected a CSV table in UTF-8: {error}.") from error


def _names(image, folder):
    """Returns the names under which a photograph is found that a table in a folder calls so."""
    name = plain_name(image)
    if not name:
        raise ValueError("no name of an image")
    if name.split("/")[0] == "..":
        return [plain_name(os.path.abspath(start / name)) for start in (Path(), folder)]  # noqa: PTH100
    if Path(name).is_absolute():
        return [name, plain_name(os.path.realpath(name))]
    return [name]


def _ends(path):
    """Yields a path and what is left of it without its first folders, one after the other."""
    yield path
    parts = path.split("/")
    for first in range(1, len(parts)):
        yield "/".join(parts[first:])
