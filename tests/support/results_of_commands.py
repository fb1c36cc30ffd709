"""What the files hold that commands write: to see that they are whole, and to compare them."""

import csv
import io
import json
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import h5py
import numpy as np
import tensorflow as tf

from keras_3dmmstn.inference.data_sets.shard_files import rows_read

_TOLERANCE = 1e-5


def content(path: Path):
    """Returns what a file holds: arrays by name, rows, a value of JSON, or its bytes.

    Raises:
        Exception: if it is not whole, as the reader of its format says it.
    """
    suffix = path.suffix
    if suffix == ".npz":
        with np.load(path) as file:
            return {name: file[name] for name in file.files}
    if suffix == ".keras":
        with zipfile.ZipFile(path) as file:
            return _datasets(file.read("model.weights.h5"))
    if suffix == ".parquet":
        rows = rows_read(path, "parquet")
        return [{name: str(value) for name, value in row.items()} for row in rows]
    if suffix == ".tfrecord":  # of faces or of crops
        examples = map(tf.train.Example.FromString, _records(path))
        return [
            {name: str(value) for name, value in example.features.feature.items()}
            for example in examples
        ]
    if suffix == ".json":
        return json.loads(path.read_text())
    if suffix == ".toml":
        return tomllib.loads(path.read_text())
    if suffix == ".csv":
        return list(csv.DictReader(io.StringIO(path.read_text())))
    if suffix in (".png", ".jpg") and cv2.imread(str(path)) is None:
        raise ValueError("no picture")
    if suffix == ".glb":
        _check_glb(path.read_bytes())
    if suffix == ".mp4" and not _has_frames(path):
        raise ValueError("no video")
    if suffix == ".tflite" and path.read_bytes()[4:8] != b"TFL3":
        raise ValueError("no TensorFlow Lite file")
    return path.read_bytes()


def _records(path):
    """Yields the records of a TFRecord file."""
    return tf.data.TFRecordDataset(str(path)).as_numpy_iterator()


def _check_glb(data):
    """Raises a ValueError unless a GLB has the length that it says."""
    if data[:4] != b"glTF" or int.from_bytes(data[8:12], "little") != len(data):
        raise ValueError("no GLB, or one that was cut off")


def _has_frames(path):
    return cv2.VideoCapture(str(path)).read()[0]


def difference(expected: Path, received: Path, changing: Sequence[str] = ()) -> list[str]:
    """Returns sentences on how the files of a folder differ from those of another.

    Args:
        expected: a folder.
        received: another one. Files in a folder `events` are not compared.
        changing: columns of CSV, keys of JSON and arrays that may differ.
    """
    first, second = _files(expected), _files(received)
    told = [f"missing: {name}" for name in sorted(first - second)]
    told += [f"left over: {name}" for name in sorted(second - first)]
    for name in sorted(first & second):
        if not _equal(content(expected / name), content(received / name), set(changing)):
            told.append(f"different: {name}")
    return told


def _files(folder):
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = (path.relative_to(folder) for path in paths)
    return {name.as_posix() for name in names if "events" not in name.parts}


def _datasets(archive):
    """Returns the arrays of an HDF5 file by name."""
    arrays = {}
    with h5py.File(io.BytesIO(archive)) as file:
        file.visititems(
            lambda name, node: (
                arrays.update({name: node[...]}) if isinstance(node, h5py.Dataset) else None
            )
        )
    return arrays


def _equal(first, second, changing):
    """Says whether two contents are equal; numbers may differ by a hundred thousandth."""
    if isinstance(first, dict) and isinstance(second, dict):
        names = set(first) - changing
        return names == set(second) - changing and all(
            _equal(first[name], second[name], changing) for name in names
        )
    if isinstance(first, list) and isinstance(second, list):
        pairs = zip(first, second, strict=False)
        return len(first) == len(second) and all(_equal(a, b, changing) for a, b in pairs)
    if isinstance(first, np.ndarray) and first.dtype.kind == "f":
        return first.shape == second.shape and np.allclose(
            first, second, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True
        )
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second)
    try:
        return bool(np.isclose(float(first), float(second), rtol=_TOLERANCE))
    except (TypeError, ValueError):
        return first == second
