"""Tables with one row per face: CSV for spreadsheets and people, Parquet for programs."""

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.drawing.results.parquet_rows import (
    check_pyarrow,
    parquet_rows,
    says_parquet_is_ours,
)
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.quantities.face_quantities import FaceQuantities

Value = str | int | float | bool | None
AddRow = Callable[[Sequence[Value]], None]

#: The columns and their types, in their order.
COLUMNS: dict[str, type] = {
    "source": str,
    "face": int,
    **dict.fromkeys(("x0", "y0", "x1", "y1", "score", "confidence"), float),
    **{
        name: bool if kind is bool else float
        for name, kind in FaceQuantities.__annotations__.items()
    },
    "problem": str,
}
_CSV, _PARQUET = ".csv", ".parquet"
# Decimal places in a CSV: a ten thousandth of a pixel, a degree, a share.
_DIGITS = 4


class FaceTable:
    """A table to which faces are added, photograph by photograph.

    Args:
        add_row: writes a row of the values of `COLUMNS`.
    """

    def __init__(self, add_row: AddRow):
        self._add_row = add_row

    def add(self, source: str | Path, faces: Sequence[NormalisedFace], problem: str = "") -> None:
        """Writes a row for each face, or one without numbers if the photograph has no face.

        Args:
            source: the photograph's name in the table.
            faces: its faces.
            problem: what went wrong, or that it has no face.

        Raises:
            OSError: if it cannot be written.
        """
        name, problem = _as_text(str(source)), _as_text(problem)
        for number, face in enumerate(faces):
            numbers = [None if n is None else float(n) for n in (face.score, face.confidence)]
            box = map(float, face.box)
            self._add_row((name, number, *box, *numbers, *face.quantities(), problem))
        if not faces:
            self._add_row((name, *[None] * (len(COLUMNS) - 2), problem))


def check_table(path: Path) -> None:
    """Checks that a table can be written to a file, before there is anything to write.

    Raises:
        ValueError: if its name ends neither in .csv nor in .parquet.
        FileExistsError: if the file exists and is neither a table of this package nor empty.
        ImportError: if it needs pyarrow, which is missing.
        OSError: if an existing file cannot be read.
    """
    ending = path.suffix.lower()
    if ending not in (_CSV, _PARQUET):
        raise ValueError(f"Expected a table that ends in {_CSV} or {_PARQUET}, received {path}.")
    if ending == _PARQUET:
        check_pyarrow(path)
    if not os.path.lexists(path):
        return
    is_ours = says_parquet_is_ours if ending == _PARQUET else _says_csv_is_ours
    if not (path.is_file() and (path.stat().st_size == 0 or is_ours(path))):
        raise FileExistsError(
            f"Expected a table of faces at {path}, or nothing, but there is something else; move "
            "it away or choose another name."
        )


@contextmanager
def face_table(path: Path) -> Iterator[FaceTable]:
    """Gives a table to add faces to; at the end it replaces a former one.

    Rows are written as they come. After an exception, including Ctrl-C, nothing of the table is
    left, and a former one stays.

    Args:
        path: the file, already checked by `check_table`. Its parent folders are created.

    Raises:
        OSError: if it cannot be written.
    """
    with atomic_destination(path) as aside, _rows(path, aside) as add_row:
        yield FaceTable(add_row)


def _rows(path: Path, aside: Path) -> AbstractContextManager[AddRow]:
    """Gives a function that adds a row to a file."""
    is_parquet = path.suffix.lower() == _PARQUET
    return parquet_rows(aside, COLUMNS) if is_parquet else _csv_rows(aside)


@contextmanager
def _csv_rows(path: Path) -> Iterator[AddRow]:
    """Gives a function that adds a row to a CSV with a header."""
    # With the byte order mark by which Excel recognises UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        yield lambda row: writer.writerow([_in_csv(value) for value in row])


def _in_csv(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return round(value, _DIGITS) if isinstance(value, float) else value


def _says_csv_is_ours(path):
    """Returns whether the first line of a file is the header of our tables."""
    header = io.StringIO(newline="")
    csv.writer(header).writerow(COLUMNS)
    ours = header.getvalue().strip().encode()
    with path.open("rb") as file:
        line = file.readline(2 * len(ours))
    return line.removeprefix(b"\xef\xbb\xbf").strip() == ours


def _as_text(text):
    """Returns a text with escapes for the bytes of names that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
