"""Training of small heads on known features: the rest of the localiser does not change."""

from collections.abc import Callable

import keras
import numpy as np

_EPOCHS, _RATE, _DROPOUT, _BATCH = 12, 1e-3, 0.3, 128


def train_head(
    hidden: keras.layers.Dense,
    last: keras.layers.Dense,
    features: np.ndarray,
    wanted: np.ndarray,
    loss: str | Callable,
) -> None:
    """Trains a head of two layers in place.

    Args:
        hidden, last: the two layers, in this order.
        features: `(n, F)` float32 input of the first layer.
        wanted: `(n, ...)` float32 targets.
        loss: loss of targets and outputs, as for `keras.Model.compile`.
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-3
    standardised = (features - mean) / deviation
    inputs = keras.Input(features.shape[1:])
    answer = last(hidden(keras.layers.Dropout(_DROPOUT)(inputs)))
    model = keras.Model(inputs, answer)
    steps = _EPOCHS * -(-len(features) // _BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(_RATE, steps)
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=0.05), loss)
    model.fit(standardised, wanted, batch_size=_BATCH, epochs=_EPOCHS, verbose=0)
    kernel, bias = hidden.get_weights()
    hidden.set_weights([kernel / deviation[:, None], bias - (mean / deviation) @ kernel])


def before_activation(localiser: keras.Model, name: str, features: np.ndarray) -> np.ndarray:
    """Returns what a named head computes from features, before its last activation.

    Args:
        localiser: a localiser with the layers `name` and `name_hidden`.
        name: the name of the head.
        features: `(n, F)`.
    """
    (kernel, bias), (last_kernel, last_bias) = (
        localiser.get_layer(layer).get_weights() for layer in (f"{name}_hidden", name)
    )
    return np.maximum(features @ kernel + bias, 0) @ last_kernel + last_bias


def rescale(layer: keras.layers.Dense, factor: float, shift: float) -> None:
    """Turns the x that a layer computes before its activation into a · x + b."""
    kernel, bias = layer.get_weights()
    layer.set_weights([factor * kernel, factor * bias + shift])
