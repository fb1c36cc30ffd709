"""Files of rows: Parquet and TFRecord, written and read row by row."""

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.inference.data_sets.rows import COLUMNS, Kind

Row = Mapping[str, Any]
AddRow = Callable[[Row], None]

#: The formats, and the extensions of their files.
ENDINGS = {"parquet": ".parquet", "tfrecord": ".tfrecord"}
# Rows of Parquet that are held before they are written; textures are large.
_ROWS_AT_ONCE = 64
_METADATA = {b"keras_3dmmstn": b"normalised faces"}


def check_format(name: str) -> None:
    """Checks that files of a format can be written.

    Raises:
        ValueError: if there is no such format.
        ImportError: if it needs pyarrow, which is missing.
    """
    if name not in ENDINGS:
        raise ValueError(f"Expected the format {' or '.join(ENDINGS)}, received {name!r}.")
    if name == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise ImportError(
                'The format parquet needs pyarrow: pip install "keras-3dmmstn[table]", or choose '
                "tfrecord."
            ) from error


@contextmanager
def rows_written(path: Path, format_name: str) -> Iterator[AddRow]:
    """Gives a function that adds a row of `COLUMNS` to a new file.

    Args:
        path: the file.
        format_name: one of `ENDINGS`.

    Raises:
        OSError: if it cannot be written.
    """
    writing = _parquet_written if format_name == "parquet" else _records_written
    with writing(path) as add:
        yield add


def rows_read(path: Path, format_name: str) -> Iterator[dict[str, Any]]:
    """Yields the rows of a file: integers, floats, float32 arrays, texts as bytes, and bytes.

    Raises:
        ValueError: if it is damaged or not such a file.
        FileNotFoundError: if there is none.
    """
    reading = _parquet_read if format_name == "parquet" else _records_read
    if not path.is_file():
        raise FileNotFoundError(f"Expected a shard of faces, but there is no file {path}.")
    yield from reading(path)


@contextmanager
def _parquet_written(path):
    import pyarrow
    import pyarrow.parquet

    kinds = {
        Kind.INTEGER: pyarrow.int64(),
        Kind.FLOAT: pyarrow.float32(),
        Kind.FLOATS: pyarrow.list_(pyarrow.float32()),
        Kind.TEXT: pyarrow.string(),
        Kind.BYTES: pyarrow.binary(),
    }
    fields = [(name, kinds[kind]) for name, kind in COLUMNS.items()]
    schema = pyarrow.schema(fields, metadata=_METADATA)
    # Parquet's encodings do not make PNGs and float32 smaller.
    coding = {"use_dictionary": False, "compression": "zstd", "write_page_checksum": True}
    rows: list[Row] = []
    with path.open("wb") as file, pyarrow.parquet.ParquetWriter(file, schema, **coding) as writer:

        def write() -> None:
            columns = [[row[name] for row in rows] for name in COLUMNS]
            arrays = [pyarrow.array(c, k) for c, (_, k) in zip(columns, fields, strict=True)]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            rows.clear()

        def add(row: Row) -> None:
            rows.append(row)
            if len(rows) >= _ROWS_AT_ONCE:
                write()

        yield add
        if rows:
            write()


def _parquet_read(path):
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as table:
            for batch in table.iter_batches(_ROWS_AT_ONCE, columns=list(COLUMNS)):
                for row in batch.to_pylist():
                    for name, kind in COLUMNS.items():
                        if row[name] is None:
                            raise _damage(path, f"no value of {name}")
                        if kind is Kind.FLOATS:
                            row[name] = np.array(row[name], np.float32)
                        elif kind is Kind.TEXT:
                            row[name] = row[name].encode()
                    yield row
    except (pyarrow.ArrowException, KeyError, UnicodeDecodeError) as error:
        raise _damage(path, error) from None
    except OSError as error:
        if error.errno is None:  # from Arrow, such as a wrong checksum
            raise _damage(path, error) from None
        raise


@contextmanager
def _records_written(path):
    import tensorflow as tf

    try:
        with tf.io.TFRecordWriter(str(path)) as writer:
            yield lambda row: writer.write(_record(row))
    except tf.errors.OpError as error:
        is_full = isinstance(error, tf.errors.ResourceExhaustedError)
        reason = str(error.message).rpartition("; ")[2]
        raise OSError(errno.ENOSPC if is_full else errno.EIO, reason, str(path)) from None


def _records_read(path):
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            features = tf.train.Example.FromString(record).features.feature
            yield {name: _value(features[name], kind) for name, kind in COLUMNS.items()}
    except (tf.errors.OpError, DecodeError, IndexError) as error:
        raise _damage(path, error) from None


def _record(row):
    """Returns a row as a serialised `tf.train.Example`."""
    import tensorflow as tf

    train, features = tf.train, {}
    for name, kind in COLUMNS.items():
        value = row[name]
        if kind is Kind.INTEGER:
            features[name] = train.Feature(int64_list=train.Int64List(value=[value]))
        elif kind in (Kind.TEXT, Kind.BYTES):
            content = value.encode() if kind is Kind.TEXT else value
            features[name] = train.Feature(bytes_list=train.BytesList(value=[content]))
        else:
            numbers = [value] if kind is Kind.FLOAT else value
            features[name] = train.Feature(float_list=train.FloatList(value=numbers))
    example = train.Example(features=train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def _value(feature, kind):
    """Returns the value of a record's feature."""
    if kind is Kind.INTEGER:
        return feature.int64_list.value[0]
    if kind in (Kind.TEXT, Kind.BYTES):
        return feature.bytes_list.value[0]
    numbers = feature.float_list.value
    return numbers[0] if kind is Kind.FLOAT else np.array(numbers, np.float32)


def _damage(path, error):
    reason = str(error).strip().split("\n")[0][:200]
    return ValueError(f"{path}: expected a shard of faces, received a damaged file ({reason}).")
