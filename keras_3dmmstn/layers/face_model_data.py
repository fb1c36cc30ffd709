"""Weights that hold a face model's data, and cannot be used before they are set."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common.stateless_scope import in_stateless_scope

# Value of a weight until its data are loaded. No data have it: no vertex is at NaN or has a number
# below 0, and no table is all ones, since no vertex faces the viewer from all sides.
_UNSET = {"int32": -1, "uint8": 255}


def add_data(
    layer: keras.layers.Layer,
    name: str,
    shape: tuple[int, ...],
    values: np.ndarray | None,
    **options: Any,
) -> keras.Variable:
    """Adds a weight with data to a layer.

    Args:
        layer: the layer.
        name: of the weight.
        shape: of the weight.
        values: the data; None if they are loaded later.
        options: of `add_weight`.
    """

    def initial(shape, dtype):
        unset = _UNSET.get(dtype, np.nan)
        return tf.fill(shape, tf.cast(unset, dtype)) if values is None else tf.cast(values, dtype)

    if values is None:
        layer._awaited = (*getattr(layer, "_awaited", ()), name)
    # Not assigned afterwards: that would be lost within a model that Keras builds by tracing its
    # `call`.
    return layer.add_weight(name=name, shape=shape, initializer=initial, **options)


def check_data(layer: keras.layers.Layer) -> None:
    """Raises a ValueError if a weight of `add_data` is still without its data.

    In a graph, this is checked during tracing; nothing is added to the graph.
    """
    awaited = getattr(layer, "_awaited", ())
    # In such a scope Keras only infers shapes, as before loading a model's weights, or uses values
    # from a caller.
    if not awaited or in_stateless_scope():
        return
    with tf.init_scope():
        unset = [w.name for w in layer.weights if w.name in awaited and _is_unset(w)]
    if not unset:
        layer._awaited = ()
    if unset:
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} expects its data, received none yet: "
            f"{' and '.join(unset)} are not set. A model made of another one's configuration "
            "(clone_model, from_config, model_from_json) has new weights, and the face model is "
            "among them: build it with `spatial_transformer(grid_model)` instead, or load its "
            "weights, or copy this layer's: `layer.set_weights(other_layer.get_weights())`."
        )


def _is_unset(weight):
    """Returns whether a weight of `add_data` is without its data."""
    unset = _UNSET.get(weight.dtype)
    try:
        value = np.asarray(weight.value)
    except tf.errors.FailedPreconditionError:  # made by the function that is being traced
        return True
    return bool((np.isnan(value) if unset is None else np.equal(value, unset)).all())
