"""Tables of boxes: where the face is in each photograph."""

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

# Between the columns: which one a spreadsheet writes depends on the country.
_DELIMITERS = ",;\t"
_COLUMNS = ("image", "x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class FaceBoxes:
    """Where the face is in each photograph.

    Attributes:
        path: the file that it was read from.
        boxes: a photograph's path or the end of it, as `plain_name` writes it, to `(4,)` x0, y0,
            x1, y1 in pixels.
    """

    path: Path
    boxes: dict[str, np.ndarray]

    def box_of(self, photograph: Path) -> np.ndarray:
        """Returns the box of a photograph, by as much of its path as the file gives.

        If the path itself is not in the file, links are followed.

        Raises:
            ValueError: if the photograph has no box.
        """
        for path in (os.path.abspath(photograph), os.path.realpath(photograph)):  # noqa: PTH100
            for name in _ends(plain_name(path)):
                if name in self.boxes:
                    return self.boxes[name]
        raise ValueError(f"{photograph}: expected its box in {self.path}, found none.")


def read_boxes(path: str | Path) -> FaceBoxes:
    """Reads a CSV with columns image, x0, y0, x1, y1: the tight box of a face's 68 landmarks.

    An image is named by its file name, by the end of its path, such as `person/image.jpg`, or by
    its whole path. A path that begins with `..` is relative to the current folder or to the file's.
    Columns may also be separated by semicolons or tabs; numbers may then have decimal commas.

    Raises:
        ValueError: if it is not a table in UTF-8, a column is missing or occurs twice, a value is
            not a number, or a photograph has two boxes.
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
    """Returns the path of a photograph in one spelling for all systems and editors.

    It has no surrounding spaces, `/` as separator, no `.`, and composed accented letters.
    """
    name = unicodedata.normalize("NFC", os.path.normcase(name.strip())).replace("\\", "/")
    return posixpath.normpath(name) if name else name


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the rows of a CSV with their line numbers; commas may have spaces around them."""
    try:
        text = read_file(path).decode("utf-8-sig")  # Excel writes a byte order mark
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
    """Returns the names under which to store a photograph, from its name in a folder's table."""
    name = plain_name(image)
    if not name:
        raise ValueError("no name of an image")
    if name.split("/")[0] == "..":
        return [plain_name(os.path.abspath(start / name)) for start in (Path(), folder)]  # noqa: PTH100
    if Path(name).is_absolute():
        return [name, plain_name(os.path.realpath(name))]
    return [name]


def _ends(path):
    """Yields a path, then the same without its first folder, its first two, and so on."""
    yield path
    parts = path.split("/")
    for first in range(1, len(parts)):
        yield "/".join(parts[first:])
