"""Writes rows to a Parquet file as they come."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# The mark in the file's schema, and how many rows are held before they are written.
_METADATA = {b"keras_3dmmstn": b"table of faces"}
_ROWS_AT_ONCE = 10_000


def check_pyarrow(path: Path) -> None:
    """Raises an ImportError that says what to install if `pyarrow` is missing."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'{path} needs pyarrow: pip install "keras-3dmmstn[table]", or choose a .csv.'
        ) from error


def says_parquet_is_ours(path: Path) -> bool:
    """Returns whether a file is a Parquet file from `parquet_rows`."""
    import pyarrow
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
    except pyarrow.ArrowException:
        return False
    return _METADATA.items() <= metadata.items()


@contextmanager
def parquet_rows(
    path: Path, columns: Mapping[str, type]
) -> Iterator[Callable[[Sequence[Any]], None]]:
    """Gives a function that adds a row to a file; many rows are written at once.

    Args:
        path: the new file.
        columns: names and types: str, int, float or bool.
    """
    import pyarrow
    import pyarrow.parquet

    kinds = {
        str: pyarrow.string(), int: pyarrow.int32(), float: pyarrow.float64(), bool: pyarrow.bool_()
    }  # fmt: skip
    fields = [(name, kinds[kind]) for name, kind in columns.items()]
    schema = pyarrow.schema(fields, metadata=_METADATA)
    rows: list[Sequence[Any]] = []
    with path.open("wb") as file, pyarrow.parquet.ParquetWriter(file, schema) as writer:

        def write() -> None:
            arrays = [
                pyarrow.array(values, kind)
                for values, (_, kind) in zip(zip(*rows, strict=True), fields, strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            rows.clear()

        def add(row: Sequence[Any]) -> None:
            rows.append(row)
            if len(rows) >= _ROWS_AT_ONCE:
                write()

        yield add
        if rows:
            write()
