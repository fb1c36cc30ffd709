"""Tables of photographs: CSV or Parquet, read row by row however long they are."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_3dmmstn.inference.data_sets.places import Place
from keras_3dmmstn.number_texts import check_columns_differ, is_no_number, number

# Between the columns of a CSV: which one a spreadsheet writes depends on the country.
_DELIMITERS = ",;\t"
_IMAGE, _BOX = "image", ("x0", "y0", "x1", "y1")
_ROWS_AT_ONCE = 10_000

# Value of the missing columns of a row that was cut off.
_CUT_OFF = "(cut off)"

#: Image, box if there is one, and what is wrong with the row, if anything.
Row = tuple[str, tuple[float, float, float, float] | None, str | None]


def rows_of_table(place: Place, name: str) -> Iterator[Row]:
    """Yields the rows of a table: each has a photograph, and its box if it has one.

    Column `image` is a path below the table's folder, an absolute path or a URL. The columns x0,
    y0, x1, y1 may all be missing or empty: then faces are detected. The columns of a CSV may also
    be separated by semicolons or tabs; numbers may then have decimal commas. A row without an
    image, or with a box that is not four numbers, is marked as faulty and does not end the table.

    Args:
        place: the table's folder.
        name: the table's name, which ends in .csv or .parquet.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if it is Parquet and pyarrow is missing.
        ValueError: if it is not such a table, or a column is missing or occurs twice.
    """
    is_parquet = name.lower().endswith(".parquet")
    about = f"{place}/{name}"
    rows = (_parquet_rows if is_parquet else _csv_rows)(place, name, about)
    for position, row in rows:
        image, box, fault = _text(row[_IMAGE]), None, None
        if image in ("", _CUT_OFF):
            image, fault = "", f"row {position}: expected the name of an image, received none"
        else:
            try:
                box = _box(row)
            except (TypeError, ValueError):
                received = ", ".join(_text(row[name]) or "nothing" for name in _BOX)
                fault = (
                    f"row {position}: expected four numbers of a box, or none, received {received}"
                )
        yield image, box, fault


def _csv_rows(place, name, about) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yields the rows of a CSV with their numbers."""
    try:
        with place.open(name) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
            header = text.readline()
            delimiter = max(_DELIMITERS, key=header.count)
            first = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])
            columns = [column.strip() for column in first]
            _check_columns(columns, about)
            rows = csv.DictReader(
                text, columns, restval=_CUT_OFF, delimiter=delimiter, skipinitialspace=True
            )
            for position, row in enumerate(rows, 1):
                if delimiter != ",":
                    row |= {n: row[n].replace(",", ".") for n in _BOX if row.get(n)}
                yield position, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{about}: expected a CSV table in UTF-8: {error}.") from error


def _parquet_rows(place, name, about) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yields the rows of a Parquet file with their numbers."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            f'{about} needs pyarrow: pip install "keras-3dmmstn[table]", or use a CSV.'
        ) from error
    position = 0
    try:
        with place.open(name) as file, pyarrow.parquet.ParquetFile(file) as table:
            columns = table.schema_arrow.names
            _check_columns(columns, about)
            wanted = [column for column in columns if column in (_IMAGE, *_BOX)]
            for batch in table.iter_batches(_ROWS_AT_ONCE, columns=wanted):
                for row in batch.to_pylist():
                    position += 1
                    yield position, row
    except pyarrow.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{about}: expected a Parquet table: {reason}.") from None


def _check_columns(columns: Sequence[str], about: str) -> None:
    """Raises a ValueError unless a table has the columns, each once."""
    missing = [name for name in (_IMAGE, *_BOX) if name not in columns]
    if missing and (_IMAGE in missing or len(missing) < len(_BOX)):
        raise ValueError(
            f"{about}: expected columns {_IMAGE} and {', '.join(_BOX)}, or {_IMAGE} alone, "
            f"received {', '.join(columns) or 'none'}."
        )
    check_columns_differ(about, (name for name in columns if name in (_IMAGE, *_BOX)))


def _text(value):
    """Returns a value as a text, "" if it is missing."""
    return "" if value is None else str(value).strip()


def _box(row):
    """Returns the box of a row, or None if it has none."""
    values = [row.get(name) for name in _BOX]
    if all(is_no_number(_text(value)) for value in values):
        return None
    x0, y0, x1, y1 = (number(_text(value)) for value in values)
    return x0, y0, x1, y1
