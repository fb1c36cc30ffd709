"""Face crops as `tf.data` batches for `fit`.

An element is `(image, {"landmarks": landmarks})` with image `(batch, size, size, 3)` float32 0..255
and landmarks `(batch, 89, 3)` float32: x, y in its pixels, and confidence, in the order of
`landmark_sets.LANDMARK_SET`.
"""

import itertools
from functools import partial

import numpy as np
import tensorflow as tf

from keras_3dmmstn.mesh.landmark_sets import LANDMARK_SET
from keras_3dmmstn.network.reflection import with_reflections
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.crop_reader import CropReader
from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.mixture import Mixture, mixture
from keras_3dmmstn.training.data.pairs import PairedFaces
from keras_3dmmstn.training.data.shards import FEATURES, Shards
from keras_3dmmstn.training.data.streams import PARALLEL, faces_in_order, faces_of_epoch, parsed
from keras_3dmmstn.training.data.supervision import Supervision

_ALL_LABELS = Supervision()


def training_batches(
    source: FaceCrops | Shards | Mixture,
    config: TrainingConfig,
    mirror_pairs: bool = False,
    supervision: Supervision = _ALL_LABELS,
    first_epoch: int = 0,
    part: tuple[int, int] = (0, 1),
    identity_pairs: bool = False,
) -> tf.data.Dataset:
    """Returns shuffled, augmented batches; each iteration is the next epoch.

    Epoch k always has the same faces in the same order with the same changes: they depend only on
    `config.seed` and k, so that a run that continues at epoch k sees the same as an unbroken one.
    In an epoch each face occurs once, or as often as the mixture says; faces that do not fill a
    batch are left out.

    Args:
        source: crops in memory, shards, or a `mixture` of several.
        config: sets `batch_size`, `image_size`, `seed` and the amounts of the augmentation.
        mirror_pairs: whether each image is followed by its reflection, for `mirror_pair_loss`; a
            batch then has twice `batch_size` images.
        supervision: which labels are kept.
        first_epoch: the epoch of the first iteration.
        part: i and n, for the i-th of n equal parts of each batch, which n workers train on; n
            must divide `batch_size`. Its images are the same as in the whole batch.
        identity_pairs: whether each face is followed by another of the same person, drawn by
            `PairedFaces`; a batch then has twice as many images. With `mirror_pairs`, the order is
            face, its reflection, the other, its reflection, with four times as many images. A face
            whose person is unknown or has no other photograph is followed by itself with different
            changes; its labels count as usual. Needs crops in memory.

    Raises:
        ValueError: if there are fewer faces than in a batch; with `identity_pairs`, if nobody has
            two photographs, or faces are in shards.
    """
    mixed = source if isinstance(source, Mixture) else mixture([source])
    steps = mixed.faces_per_epoch // config.batch_size
    if steps < 1:
        raise ValueError(
            f"Expected at least one batch of {config.batch_size} faces, received "
            f"{mixed.faces_per_epoch} faces: choose a smaller batch_size."
        )
    crops, epochs = CropReader(mixed, config, supervision), itertools.count(first_epoch)
    paired = PairedFaces(mixed) if identity_pairs else None

    def elements(_):
        epoch = tf.numpy_function(lambda: np.int64(next(epochs)), [], tf.int64)
        faces = faces_of_epoch(mixed, tf.ensure_shape(epoch, []), config.seed)
        epoch_of_each = tf.data.Dataset.from_tensors(epoch).repeat()
        return tf.data.Dataset.zip(epoch_of_each, tf.data.Dataset.range(2**60), faces)

    count = config.batch_size // part[1]
    own = slice(part[0] * count, (part[0] + 1) * count)

    def batch(epochs, positions, faces):
        faces = {name: values[own] for name, values in faces.items()}
        where = [epochs[0], positions[own], faces["source"], faces["number"]]
        if paired:
            pairs = partial(crops.augmented_pairs, paired=paired)
            made = tf.numpy_function(pairs, where, [tf.uint8, tf.float32])
            return _element(made, config.image_size, 2 * count)
        where += parsed(faces["record"])
        made = tf.numpy_function(crops.augmented, where, [tf.uint8, tf.float32])
        return _element(made, config.image_size, count)

    batches = tf.data.Dataset.range(1).flat_map(elements)
    batches = batches.batch(config.batch_size, drop_remainder=True)
    batches = batches.map(batch, num_parallel_calls=PARALLEL, deterministic=True)
    if mirror_pairs:
        batches = batches.map(lambda image, labels: with_reflections(image, labels, LANDMARK_SET))
    return _finished(batches, steps, 4)


def evaluation_batches(
    source: FaceCrops | Shards | Mixture, config: TrainingConfig
) -> tf.data.Dataset:
    """Returns the crops once, in order, centred and unchanged; the last batch may be smaller."""
    mixed = source if isinstance(source, Mixture) else mixture([source])
    crops = CropReader(mixed, config, _ALL_LABELS)

    def batch(faces):
        where = faces["source"], faces["number"], *parsed(faces["record"])
        made = tf.numpy_function(crops.centred, where, [tf.uint8, tf.float32])
        return _element(made, config.image_size, None)

    parts = [faces_in_order(number, part) for number, part in enumerate(mixed.sources)]
    faces = parts[0]
    for part in parts[1:]:
        faces = faces.concatenate(part)
    batches = faces.batch(config.batch_size).map(
        batch, num_parallel_calls=PARALLEL, deterministic=True
    )
    steps = -(-sum(map(len, mixed.sources)) // config.batch_size)
    return _finished(batches, steps, 2)


def _finished(batches, steps, ahead):
    """Gives a pipeline its number of batches, and makes some ahead."""
    options = tf.data.Options()
    # It has nothing to tune, and whoever lets go of an iterator may wait for the thread that does:
    # that sleeps for longer and longer, after a minute for 41 seconds.
    options.autotune.enabled = False
    batches = batches.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(ahead)
    return batches.with_options(options)


def _element(made, image_size, count):
    """Sets the shapes of image and landmarks, and the type of the image."""
    images = tf.ensure_shape(made[0], (count, image_size, image_size, 3))
    landmarks = tf.ensure_shape(made[1], (count, FEATURES["landmarks"].shape[0], 3))
    return tf.cast(images, tf.float32), {"landmarks": landmarks}
