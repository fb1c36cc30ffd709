"""Checks that images have levels in 0..255, not in 0..1, before a network uses them."""

import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_FIRST = 32  # images of an array that are checked
# A mean level in 0..1 that no photograph has, but black frames with interpolated noise have.
_BLACK = 0.02
_REFUSED = (
    "Expected images with levels in 0..255, received a batch with levels in 0..1: multiply them by "
    "255."
)


# Base class of a mixin for Keras models, opaque to type checkers.
_Nothing: Any = object


class LevelChecked(_Nothing):
    """A mixin for `keras.Model` that makes a model of images refuse levels in 0..1.

    A batch is refused if no level in it is above 1 and some are not whole numbers. `evaluate` and
    `predict` check the first images of an array, the first batch of a `PyDataset`, and each batch
    of a `tf.data.Dataset` or generator; a call checks everything that is not symbolic.
    """

    def evaluate(self, x=None, *args, **kwargs):
        with naming_levels():
            return super().evaluate(checked_levels(x), *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        with naming_levels():
            return super().predict(checked_levels(x), *args, **kwargs)

    def __call__(self, image, *args, **kwargs):
        first = _image_of((image,))
        if isinstance(first, np.ndarray) or (tf.is_tensor(first) and tf.executing_eagerly()):
            checked_levels(first)
        return super().__call__(image, *args, **kwargs)


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class LevelCheckedModel(LevelChecked, keras.Model):
    """A functional model of images that refuses levels in 0..1, including in `fit`."""

    def fit(self, x=None, *args, **kwargs):
        with naming_levels():
            return super().fit(checked_levels(x), *args, **kwargs)


def checked_levels(x: Any) -> Any:
    """Returns a model's input, already checked or with a check of each batch.

    Args:
        x: as for `fit`: arrays, a `tf.data.Dataset`, a `PyDataset` or a generator.

    Raises:
        ValueError: if images have levels in 0..1.
    """
    if isinstance(x, tf.data.Dataset):
        return x.map(_checked_element)
    if isinstance(x, types.GeneratorType):
        return (_checked(element) for element in x)
    if isinstance(x, keras.utils.PyDataset):
        _checked(x[0])
    else:
        _checked((x,))
    return x


@contextmanager
def naming_levels() -> Iterator[None]:
    """Converts TensorFlow's error for a refused batch of a data set to a ValueError."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if _REFUSED in str(error):
            raise ValueError(_REFUSED) from error
        raise


def _checked(element):
    """Returns an element `(x, ...)` of arrays, or raises a ValueError if it is refused."""
    images = _image_of(element)
    if hasattr(images, "shape") and len(images.shape) == 4 and len(images):
        images = np.asarray(images[:_FIRST])
        if images.dtype.kind == "f" and bool(_is_in_unit_range(images)):
            raise ValueError(_REFUSED)
    return element


def _checked_element(*element):
    """Returns an element of a data set, with a check in its graph."""
    images = _image_of(element)
    if images.dtype.is_floating:
        tf.debugging.Assert(tf.logical_not(_is_in_unit_range(images)), [_REFUSED])
    return element if len(element) > 1 else element[0]


def _is_in_unit_range(images):
    """Returns whether no level is above 1 and some are not whole numbers, unless all is black."""
    images = tf.cast(images, tf.float32)
    lit = tf.reduce_mean(images) > _BLACK
    low, high = tf.reduce_min(images), tf.reduce_max(images)
    between = tf.reduce_any(tf.logical_and(images > 0, images < 1))
    return tf.logical_and(tf.logical_and(low >= 0, high <= 1), tf.logical_and(between, lit))


def _image_of(element):
    """Returns the images of an element, which is x or a tuple of x and more."""
    images = tf.nest.flatten(element[0] if isinstance(element, tuple) else element)
    if not images:
        raise ValueError("Expected images in 0..255, received none.")
    return images[0]
