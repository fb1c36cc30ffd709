"""The table `landmarks.csv`: its columns, rows and numbers."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

LANDMARK_TABLE = "landmarks.csv"

# Cells by the names of their columns; a row that ends early has None in them.
Rows = list[dict[str, Any]]


def read_header(path: Path) -> list[str]:
    """Returns the names of the columns of a CSV file.

    Raises:
        ValueError: if it is no CSV table in UTF-8.
    """
    with _opened(path) as reader:
        return list(reader.fieldnames or [])


def read_table(path: Path) -> tuple[list[str], Rows]:
    """Returns the names of the columns of a CSV file, and its rows as dictionaries.

    Raises:
        ValueError: if it is no CSV table in UTF-8.
    """
    with _opened(path) as reader:
        return list(reader.fieldnames or []), list(reader)


def check_images(path: Path, header: Sequence[str], rows: Rows) -> None:
    """Raises a ValueError unless there are rows, and each names an image."""
    if "image" not in header:
        raise ValueError(f"{path}: expected a column image, received {shown(header)}.")
    if not rows:
        raise ValueError(f"{path}: expected at least one row of landmarks.")
    nameless = [line for line, row in enumerate(rows, start=2) if not row["image"]]
    if nameless:
        raise ValueError(f"{path}, line {nameless[0]}: expected the name of an image, found none.")


def numbers_in(path: Path, rows: Rows, columns: Sequence[str]) -> np.ndarray:
    """Returns the values of columns `(rows, columns)`, NaN where a cell is empty.

    Raises:
        ValueError: if a cell holds something else than a number.
    """
    values = np.empty((len(rows), len(columns)), np.float32)
    for line, row in enumerate(rows, start=2):
        for column, name in enumerate(columns):
            text = row.get(name)
            try:
                values[line - 2, column] = float(text) if text and text.strip() else np.nan
            except ValueError:
                raise ValueError(
                    f"{path}, line {line}: expected a number in column {name}, received {text!r}."
                ) from None
    return values


def source_of(folder: str | Path) -> str:
    """Returns a name for a data set: the folder's and that of the folder it is in."""
    return "/".join(Path(folder).resolve().parts[-2:])


def shown(header: Sequence[str]) -> str:
    """Returns the first names of a header for a message."""
    return ", ".join(header[:6]) + (" ..." if len(header) > 6 else "") if header else "no header"


@contextmanager
def _opened(path: Path) -> Iterator[csv.DictReader]:
    """Gives the reader of a CSV file; what is wrong with the file becomes a ValueError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # Excel begins with a mark
            yield csv.DictReader(file)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected a CSV table in UTF-8: {error}.") from error
