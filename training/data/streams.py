"""The faces of an epoch as a `tf.data` stream, before they become images.

An element identifies a face: {source: which data set of a mixture, number: which of its faces,
record: its TFRecord if it is from a shard, else ""}.
"""

import os

import tensorflow as tf

from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.mixture import Mixture
from keras_3dmmstn.training.data.shards import FEATURES, Shards

# Records in the shuffle buffer, about 15 kB each; shards read at a time.
_SHUFFLE_BUFFER = 4096
_OPEN_SHARDS = 8
#: Batches made, and shards read, in parallel: more threads would wait for Python's lock.
PARALLEL = min(4, os.cpu_count() or 1)


def faces_of_epoch(mixed: Mixture, epoch: tf.Tensor, seed: int) -> tf.data.Dataset:
    """Returns the faces of one epoch in order, {source, number, record}, not yet in batches."""
    choices = tf.numpy_function(lambda epoch: mixed.choices(seed, epoch), [epoch], tf.int64)
    parts = []
    for place, source in enumerate(mixed.sources):
        if isinstance(source, Shards):
            parts.append(_shuffled_shards(place, source, epoch, seed))
        else:
            parts.append(_shuffled_crops(place, mixed, epoch, seed))
    choices = tf.data.Dataset.from_tensor_slices(tf.ensure_shape(choices, [None]))
    return tf.data.Dataset.choose_from_datasets(parts, choices, stop_on_empty_dataset=False)


def _shuffled_crops(place, mixed, epoch, seed):
    """Returns crops in memory for one epoch, in random order."""
    numbers = tf.numpy_function(lambda epoch: mixed.numbers(place, seed, epoch), [epoch], tf.int64)
    numbers = tf.data.Dataset.from_tensor_slices(tf.ensure_shape(numbers, [None]))
    return numbers.map(lambda number: _face(place, number, ""))


def _shuffled_shards(place, source, epoch, seed):
    """Returns records in random order, pass after pass: shards reordered and interleaved."""
    files = tf.constant([str(file) for file in source.files])

    def one_pass(number):
        pair = tf.stack([tf.constant(seed, tf.int64) * 1000 + place, epoch * 2**20 + number])
        order = tf.random.experimental.stateless_shuffle(files, pair)
        records = tf.data.Dataset.from_tensor_slices(order).interleave(
            tf.data.TFRecordDataset,
            cycle_length=_OPEN_SHARDS,
            num_parallel_calls=PARALLEL,
            deterministic=True,
        )
        once = tf.random.stateless_uniform([], pair, maxval=2**31 - 1, dtype=tf.int32)
        once = tf.cast(once, tf.int64) + 1
        # Of this function's graph alone. TensorFlow asks whether both seeds are 0, which it cannot
        # tell of a tensor when the graph's is; neither is.
        tf.compat.v1.get_default_graph().seed = 1
        return records.shuffle(_SHUFFLE_BUFFER, seed=once, reshuffle_each_iteration=False)

    records = tf.data.Dataset.range(2**20).flat_map(one_pass)
    return records.map(lambda record: _face(place, _number(record), record))


def faces_in_order(place: int, source: FaceCrops | Shards) -> tf.data.Dataset:
    """Returns the faces of a source as they are stored."""
    if isinstance(source, Shards):
        return source.records().map(lambda record: _face(place, _number(record), record))
    return tf.data.Dataset.range(len(source)).map(lambda number: _face(place, number, ""))


def _face(place, number, record):
    """Returns the element of one face: its source, its number, and its record if it has one."""
    return {"source": tf.constant(place, tf.int64), "number": number, "record": record}


def _number(record):
    return tf.io.parse_single_example(record, {"number": FEATURES["number"]})["number"]


def parsed(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns encoded images `(batch,)` and landmarks `(batch, L, 3)` of records."""
    wanted = {name: FEATURES[name] for name in ("image", "landmarks")}
    values = tf.io.parse_example(records, wanted)
    return values["image"], values["landmarks"]
