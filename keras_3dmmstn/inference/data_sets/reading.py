"""Normalised data sets as `tf.data`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_3dmmstn.inference.data_sets.manifest import MANIFEST_FILE, read_manifest
from keras_3dmmstn.inference.data_sets.places import Place, place_of
from keras_3dmmstn.inference.data_sets.plan import read_plan
from keras_3dmmstn.inference.data_sets.rows import COLUMNS, Kind, fault_of
from keras_3dmmstn.inference.data_sets.shard import done_shards
from keras_3dmmstn.inference.data_sets.shard_files import check_format, rows_read

if TYPE_CHECKING:
    import tensorflow as tf


def read_normalised(folder: str | Path, seed: int | None = None) -> "tf.data.Dataset":
    """Returns the faces of a normalised data set.

    Args:
        folder: the path or URL of the folder that `normalise_data_set` wrote.
        seed: None for the faces in the order of their photographs; a number for the shards in a
            random order, which changes with each iteration.

    Returns:
        A dict for each face: `texture` `(H, W, 3)` uint8 RGB, `mask` `(H, W)` bool, `theta`
        `(6 + D,)`, `camera` focal length and principal point `(3,)` or `(0,)`, `pose` yaw, pitch
        and roll in degrees `(3,)`, `landmarks` `(L, 2)` and `box` `(4,)` in pixels of the
        photograph, `score` and `confidence`, NaN where there is none, the text `image`, and the
        numbers `photograph` and `face`.

    Raises:
        FileNotFoundError: if there is nothing to read.
        ValueError: if the data set is not finished, or its manifest is damaged.
        tf.errors.InvalidArgumentError: during iteration, with the reason in its message, if a
            shard is missing or damaged: `tf.data` turns every error into this one.
        ImportError: if it needs pyarrow, which is missing.
    """
    import tensorflow as tf

    place = place_of(folder)
    manifest = read_manifest(place)
    if manifest is None:
        raise _unfinished(place)
    settings, shape = manifest["settings"], manifest["texture_shape"]
    check_format(settings["format"])
    files = [shard for shard in manifest["shards"] if shard["faces"]]

    def rows(number: np.ndarray) -> Iterator[dict[str, Any]]:
        shard = files[number]
        name = f"{place}/{shard['file']}"
        try:
            with place.local_copy(shard["file"]) as path:
                size = path.stat().st_size
                if size != shard["bytes"]:
                    raise ValueError(
                        f"{name}: expected the {shard['bytes']} bytes of the manifest, received "
                        f"{size}."
                    )
                for row in rows_read(path, settings["format"]):
                    fault = fault_of(row, shape, settings["textures"])
                    if fault:
                        raise ValueError(f"{name}: expected a shard of faces, received {fault}.")
                    yield row
        except FileNotFoundError:
            raise ValueError(
                f"{name}: expected a shard of faces, but there is no such file."
            ) from None

    kinds = {
        Kind.INTEGER: tf.TensorSpec([], tf.int64),
        Kind.FLOAT: tf.TensorSpec([], tf.float32),
        Kind.FLOATS: tf.TensorSpec([None], tf.float32),
        Kind.TEXT: tf.TensorSpec([], tf.string),
        Kind.BYTES: tf.TensorSpec([], tf.string),
    }
    signature = {name: kinds[kind] for name, kind in COLUMNS.items()}
    shards = tf.data.Dataset.range(len(files))
    if seed is not None and files:
        shards = shards.shuffle(len(files), seed=seed)
    stored = shards.flat_map(
        lambda shard: tf.data.Dataset.from_generator(
            rows, output_signature=signature, args=(shard,)
        )
    )
    return stored.map(
        lambda row: _decoded(row, shape, settings["textures"] == "png"),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _decoded(row, shape, is_png):
    """Returns a row with texture, mask and landmarks decoded."""
    import tensorflow as tf

    height, width, channels = shape
    if is_png:
        texture = tf.io.decode_png(row["texture"], channels)
        mask = tf.io.decode_png(row["mask"], 1)
    else:
        texture = tf.reshape(tf.io.decode_raw(row["texture"], tf.uint8), shape)
        mask = tf.io.decode_raw(row["mask"], tf.uint8)
    return {
        **row,
        "texture": tf.ensure_shape(texture, shape),
        "mask": tf.reshape(mask, [height, width]) > 0,
        "landmarks": tf.reshape(row["landmarks"], [-1, 2]),
        "box": tf.ensure_shape(row["box"], [4]),
        "pose": tf.ensure_shape(row["pose"], [3]),
    }


def _unfinished(place: Place) -> Exception:
    """Returns an error that says what was found instead of a manifest."""
    plan = read_plan(place)
    if plan is None:
        return FileNotFoundError(
            f"{place}: expected a normalised data set, but there is no {MANIFEST_FILE}."
        )
    return ValueError(
        f"{place}: expected a finished data set, received one with {len(done_shards(place))} of "
        f"{plan.shards} shards: run the same command again, and it goes on."
    )
