"""The table `landmarks.csv`: its columns, rows and numbers."""

import csv
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from keras_3dmmstn.number_texts import check_columns_differ, number_or_nan
from keras_3dmmstn.training.data.plausible_faces import single_precision
from keras_3dmmstn.training.data.skipped import Skipped, nothing_left

LANDMARK_TABLE = "landmarks.csv"

# Rows by line number, and cells by column name.
Rows = dict[int, dict[str, str]]


def read_header(path: Path) -> list[str]:
    """Returns the column names of a CSV file.

    Raises:
        ValueError: if it is not a CSV table in UTF-8.
    """
    with _opened(path) as reader:
        return list(reader.fieldnames or [])


def read_table(path: Path) -> tuple[list[str], Rows, list[Skipped]]:
    """Returns the column names of a CSV file, its rows, and the rows that were cut off.

    Raises:
        ValueError: if it is not a CSV table in UTF-8.
    """
    with _opened(path) as reader:
        header, rows = list(reader.fieldnames or []), dict(enumerate(reader, start=2))
    cut = {line: row for line, row in rows.items() if _is_cut_off(row)}
    skipped = [
        Skipped(
            f"{source_of(path.parent)}/{path.name}, line {line}",
            f"expected {len(header)} cells, received {_cell_count(row)}",
        )
        for line, row in cut.items()
    ]
    return header, {line: row for line, row in rows.items() if line not in cut}, skipped


def check_read_once(path: Path, header: Sequence[str], columns: Collection[str]) -> None:
    """Raises a ValueError if a column that is read occurs twice, which would be ambiguous."""
    check_columns_differ(path, (name for name in header if name in columns))


def check_images(path: Path, header: Sequence[str], rows: Rows, skipped: Sequence[Skipped]) -> None:
    """Raises a ValueError unless there are complete rows and each names an image."""
    if "image" not in header:
        raise ValueError(f"{path}: expected a column image, received {shown(header)}.")
    if not rows and skipped:
        raise nothing_left(skipped)
    if not rows:
        raise ValueError(f"{path}: expected at least one row of landmarks.")
    nameless = [line for line, row in rows.items() if not row["image"]]
    if nameless:
        raise ValueError(f"{path}, line {nameless[0]}: expected the name of an image, found none.")


def numbers_in(path: Path, rows: Rows, columns: Sequence[str]) -> np.ndarray:
    """Returns the values of columns `(rows, columns)`, NaN where a cell is empty or nan.

    Raises:
        ValueError: if a cell contains something other than a number.
    """
    values = np.empty((len(rows), len(columns)))
    for place, (line, row) in enumerate(rows.items()):
        for column, name in enumerate(columns):
            text = row[name]
            try:
                values[place, column] = number_or_nan(text)
            except ValueError:
                raise ValueError(
                    f"{path}, line {line}: expected a number in column {name}, received {text!r}."
                ) from None
    return single_precision(values)


def source_of(folder: str | Path) -> str:
    """Returns a name for a data set: those of the folder and its parent."""
    return "/".join(Path(folder).resolve().parts[-2:])


def shown(header: Sequence[str]) -> str:
    """Returns the first names of a header, for a message."""
    return ", ".join(header[:6]) + (" ..." if len(header) > 6 else "") if header else "no header"


def _is_cut_off(row):
    """Returns whether a row has too few cells, or surplus cells that are not empty."""
    # `csv` gives missing cells as None, and surplus cells under the key None.
    return None in row.values() or any(cell.strip() for cell in row.get(None, ()))


def _cell_count(row):
    """Returns how many cells a row has."""
    named = [cell for name, cell in row.items() if name is not None and cell is not None]
    return len(named) + len(row.get(None, ()))


@contextmanager
def _opened(path: Path) -> Iterator[csv.DictReader]:
    """Yields the reader of a CSV file; faults of the file become a ValueError."""
    if path.exists() and not path.is_file():  # reading a pipe may never end
        raise ValueError(f"{path}: expected a CSV table, received something that is no file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # Excel writes a byte order mark
            yield csv.DictReader(file, skipinitialspace=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected a CSV table in UTF-8: {error}.") from error
