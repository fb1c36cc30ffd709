"""The check that images have levels in 0..255, not in 0..1, before a network works with them."""

import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_FIRST = 32  # of the images of an array, so many are looked at
# A mean level in 0..1 that no photograph has, but frames of black whose noise was interpolated.
_BLACK = 0.02
_REFUSED = (
    "Expected images with levels in 0..255, received a batch with levels in 0..1: multiply them by "
    "255."
)


# What a mixin for Keras' models inherits from, unknown to type checkers.
_Nothing: Any = object


class LevelChecked(_Nothing):
    """What a model of images has beside `keras.Model` to refuse levels in 0..1.

    A batch is refused if no level in it is above 1 and some are between whole numbers. `evaluate`
    and `predict` look at the first images of an array, the first batch of a `PyDataset`, and each
    batch of a `tf.data.Dataset` or generator; a call looks at what is not symbolic.
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
    """A functional model of images that refuses levels in 0..1, in `fit`, too."""

    def fit(self, x=None, *args, **kwargs):
        with naming_levels():
            return super().fit(checked_levels(x), *args, **kwargs)


def checked_levels(x: Any) -> Any:
    """Returns what a model is to work on, checked or with a check of each batch.

    Args:
        x: as of `fit`: arrays, a `tf.data.Dataset`, a `PyDataset` or a generator.

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
    """Turns the error that TensorFlow makes of a refused batch of a data set into a ValueError."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if _REFUSED in str(error):
            raise ValueError(_REFUSED) from error
        raise


def _checked(element):
    """Returns an element `(x, ...)` of arrays, or raises a ValueError."""
    images = _image_of(element)
    if hasattr(images, "shape") and len(images.shape) == 4 and len(images):
        images = np.asarray(images[:_FIRST])
        if images.dtype.kind == "f" and bool(_is_in_unit_range(images)):
            raise ValueError(_REFUSED)
    return element


def _checked_element(*element):
    """Returns an element of a data set, whose graph checks it."""
    images = _image_of(element)
    if images.dtype.is_floating:
        tf.debugging.Assert(tf.logical_not(_is_in_unit_range(images)), [_REFUSED])
    return element if len(element) > 1 else element[0]


def _is_in_unit_range(images):
    """Says whether no level is above 1 and some are between whole numbers, but not all black."""
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
