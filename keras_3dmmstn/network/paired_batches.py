"""Checks before training that a batch is in the order that losses on pairs need."""

import types
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.network.identity_losses import PARTED_FOURS, PARTED_PEOPLE
from keras_3dmmstn.network.losses import PARTED_PAIR

# How much an image may differ from its supposed reflection, in standard deviations of its levels:
# this allows changes of colour, while another image differs by about one deviation.
_FURTHEST = 0.5
_DEFAULT_BATCH = 32  # of Keras, for arrays

_REFLECTIONS = (
    "TrainingModel with mirror_pairs expects each image of a batch to be followed by its "
    "reflection, as `with_reflections` makes them"
)
_PEOPLE = (
    "TrainingModel with identity_pairs or tied_identity expects each photograph of a batch to be "
    "followed by another one of the same person"
)
_FOURS = (
    "TrainingModel with mirror_pairs and pairs of one person expects of each person a photograph, "
    "its reflection, another photograph and its reflection"
)
_ODD = "received a batch with an odd number of images."
_NO_FOURS = "received a batch whose number of images is no multiple of four."
_NO_REFLECTION = "received a second image that is no reflection of the first."


@dataclass(frozen=True)
class BatchOrder:
    """The required order of the images of a batch.

    Attributes:
        reflected: whether each image is followed by its reflection.
        people: whether each photograph, with its reflection, is followed by another one of the
            same person. Images do not show that; only their number is checked.
    """

    reflected: bool
    people: bool

    @property
    def size(self) -> int:
        """How many images belong together: 1, 2 or 4."""
        return (2 if self.reflected else 1) * (2 if self.people else 1)

    @property
    def expected(self) -> str:
        """The first part of the error message for a refused batch."""
        if self.people:
            return _FOURS if self.reflected else _PEOPLE
        return _REFLECTIONS

    @property
    def parted(self) -> str:
        """The error message for a batch with a wrong number of images."""
        return f"{self.expected}, {_NO_FOURS if self.size == 4 else _ODD}"

    @property
    def no_reflection(self) -> str:
        """The error message for a batch whose second image is not the reflection of the first."""
        return f"{self.expected}, {_NO_REFLECTION}"


def checked_pairs(fit_arguments: dict[str, Any], order: BatchOrder) -> Any:
    """Returns the argument `x` of `fit`, already checked or with a check of each batch.

    Arrays are checked here, and so are the first batch of a `PyDataset` and the shapes of a
    `tf.data.Dataset`. The batches of a data set or generator are checked as they are made.

    Args:
        fit_arguments: all arguments of `fit` by name.
        order: the required order of the images.

    Raises:
        ValueError: if images are not in this order.
    """
    x = fit_arguments["x"]
    if isinstance(x, tf.data.Dataset):
        if (_image_of(x.element_spec).shape[0] or 0) % order.size:
            raise ValueError(order.parted)
        return x.map(lambda *element: _checked_element(element, order))
    if isinstance(x, types.GeneratorType):
        return (_checked(element, order) for element in x)
    if isinstance(x, keras.utils.PyDataset):
        _checked(x[0], order)
    elif _is_array(x):
        _check_arrays(_image_of((x,)), fit_arguments, order)
    return x


def refusal(error: tf.errors.InvalidArgumentError) -> ValueError | None:
    """Returns the refusal of a batch that TensorFlow wrapped in its own error, or None.

    Args:
        error: as raised by `fit`.
    """
    orders = [BatchOrder(*kind) for kind in ((True, False), (False, True), (True, True))]
    refusals = [text for order in orders for text in (order.parted, order.no_reflection)]
    refusals += [PARTED_PAIR, PARTED_PEOPLE, PARTED_FOURS]
    found = [text for text in refusals if text in str(error)]
    return ValueError(found[0]) if found else None


def _check_arrays(images, fit_arguments, order):
    """Raises a ValueError unless arrays give batches of pairs."""
    if fit_arguments["shuffle"]:
        raise ValueError(
            f"{order.expected}, received shuffle={fit_arguments['shuffle']!r}, which parts them: "
            "give shuffle=False, and shuffle the images before."
        )
    count = len(images)
    if fit_arguments["validation_split"]:
        count = int(count * (1 - fit_arguments["validation_split"]))
    batch = fit_arguments["batch_size"] or _DEFAULT_BATCH
    if count % order.size or (batch % order.size and count > batch):
        raise ValueError(order.parted)
    _checked((images[: order.size],), order)


def _checked(element, order):
    """Returns an element `(x, ...)` of arrays, or raises a ValueError if it is refused."""
    images = np.asarray(_image_of(element))
    if len(images) % order.size:
        raise ValueError(order.parted)
    if order.reflected and not bool(_is_pair(images)):
        raise ValueError(order.no_reflection)
    return element


def _checked_element(element, order):
    """Returns an element of a data set, with a check in its graph."""
    images = _image_of(element)
    tf.debugging.Assert(tf.shape(images)[0] % order.size == 0, [order.parted])
    if order.reflected:
        tf.debugging.Assert(_is_pair(images), [order.no_reflection])
    return element if len(element) > 1 else element[0]


def _is_pair(images):
    """Returns whether the second of images `(batch, size, size, 3)` is the first's reflection."""
    image, reflection = tf.cast(images[:1], tf.float32), tf.cast(images[1:2], tf.float32)
    difference = tf.reduce_mean(tf.abs(image - tf.reverse(reflection, axis=[2])))
    return difference <= _FURTHEST * tf.math.reduce_std(image)


def _image_of(element):
    """Returns the images of an element, which is x or a tuple of x and more."""
    return tf.nest.flatten(element[0] if isinstance(element, tuple) else element)[0]


def _is_array(x):
    """Returns whether x is an array, or a dict or sequence of arrays."""
    leaves = tf.nest.flatten(x)
    return bool(leaves) and all(
        hasattr(leaf, "shape") and hasattr(leaf, "dtype") for leaf in leaves
    )
