"""The check that each image of a batch is followed by its reflection, before it is trained on."""

import types
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.network.losses import PARTED_PAIR

# How far an image may be from what is said to be its reflection, in deviations of its own levels:
# room for changes of colour, where another image is about one deviation off.
_FURTHEST = 0.5
_DEFAULT_BATCH = 32  # of Keras, for arrays

_EXPECTED = (
    "TrainingModel with mirror_pairs expects each image of a batch to be followed by its "
    "reflection, as `with_reflections` makes them"
)
_ODD = f"{_EXPECTED}, received a batch with an odd number of images."
_NO_REFLECTION = f"{_EXPECTED}, received a second image that is no reflection of the first."


def checked_pairs(fit_arguments: dict[str, Any]) -> Any:
    """Returns what `fit` is to train on, `x`, checked or with a check of each batch.

    Arrays are looked at here, and so are the first batch of a `PyDataset` and the shapes of a
    `tf.data.Dataset`; the batches of a data set or generator when they are made.

    Args:
        fit_arguments: all arguments of `fit` by name.

    Raises:
        ValueError: if images are not followed by their reflections.
    """
    x = fit_arguments["x"]
    if isinstance(x, tf.data.Dataset):
        if (_image_of(x.element_spec).shape[0] or 0) % 2:
            raise ValueError(_ODD)
        return x.map(_checked_element)
    if isinstance(x, types.GeneratorType):
        return (_checked(element) for element in x)
    if isinstance(x, keras.utils.PyDataset):
        _checked(x[0])
    elif _is_array(x):
        _check_arrays(_image_of((x,)), fit_arguments)
    return x


def refusal(error: tf.errors.InvalidArgumentError) -> ValueError | None:
    """Returns the refusal of a batch that TensorFlow wrapped in an error of its own, if it is one.

    Args:
        error: as it comes out of `fit`.
    """
    found = [text for text in (_ODD, _NO_REFLECTION, PARTED_PAIR) if text in str(error)]
    return ValueError(found[0]) if found else None


def _check_arrays(images, fit_arguments):
    """Raises a ValueError unless arrays make batches of pairs."""
    if fit_arguments["shuffle"]:
        raise ValueError(
            f"{_EXPECTED}, received shuffle={fit_arguments['shuffle']!r}, which parts them: give "
            "shuffle=False, and shuffle the images before."
        )
    count = len(images)
    if fit_arguments["validation_split"]:
        count = int(count * (1 - fit_arguments["validation_split"]))
    batch = fit_arguments["batch_size"] or _DEFAULT_BATCH
    if count % 2 or (batch % 2 and count > batch):
        raise ValueError(_ODD)
    _checked((images[:2],))


def _checked(element):
    """Returns an element `(x, ...)` of arrays, or raises a ValueError."""
    images = np.asarray(_image_of(element))
    if len(images) % 2:
        raise ValueError(_ODD)
    if not bool(_is_pair(images)):
        raise ValueError(_NO_REFLECTION)
    return element


def _checked_element(*element):
    """Returns an element of a data set, whose graph checks it."""
    images = _image_of(element)
    tf.debugging.Assert(tf.shape(images)[0] % 2 == 0, [_ODD])
    tf.debugging.Assert(_is_pair(images), [_NO_REFLECTION])
    return element if len(element) > 1 else element[0]


def _is_pair(images):
    """Says whether the second of images `(batch, size, size, 3)` is the first one's reflection."""
    image, reflection = tf.cast(images[:1], tf.float32), tf.cast(images[1:2], tf.float32)
    difference = tf.reduce_mean(tf.abs(image - tf.reverse(reflection, axis=[2])))
    return difference <= _FURTHEST * tf.math.reduce_std(image)


def _image_of(element):
    """Returns the images of an element, which is x or a tuple of x and more."""
    return tf.nest.flatten(element[0] if isinstance(element, tuple) else element)[0]


def _is_array(x):
    """Says whether x is an array, or arrays by name or place."""
    leaves = tf.nest.flatten(x)
    return bool(leaves) and all(
        hasattr(leaf, "shape") and hasattr(leaf, "dtype") for leaf in leaves
    )
