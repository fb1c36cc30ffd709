"""Initialises a wider and deeper network from a trained one, so that it computes the same."""

from pathlib import Path

import keras
import numpy as np

from keras_3dmmstn.network.confidence import without_confidence
from keras_3dmmstn.network.localiser import correct_rest_pose
from keras_3dmmstn.network.pretrained import load_localiser, set_weights

# Copies of a channel get this much noise, in standard deviations of its kernel, or they would stay
# copies for ever.
_NOISE = 0.03


def begin_with(localiser: keras.Model, start: str | Path) -> None:
    """Gives a localiser the weights of a saved one, which may be narrower.

    Args:
        localiser: its weights are set.
        start: a `localiser.keras`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, of another architecture or for another number of modes.
    """
    saved = load_localiser(start)
    if "compact" in _names(saved) and "base" in _names(localiser):
        widen(saved, localiser)
    else:
        set_weights(localiser, saved, start)


def widen(narrow: keras.Model, wide: keras.Model, seed: int = 0) -> None:
    """Gives a localiser the weights of a narrower one, so that it computes nearly the same.

    Each channel of the narrow network has one or more copies in the wide one, and the weights that
    read them are divided by their number. A residual block that the narrow network lacks begins as
    the identity. A little noise makes the copies differ, so that training can use them.

    Args:
        narrow: a trained localiser of `residual_localisers`, with or without confidence.
        wide: another of them, with at least as many channels in each layer. Its weights are set.
        seed: for the choice of copies and the noise.

    Raises:
        ValueError: if `wide` lacks a layer of `narrow`, has fewer channels somewhere, or has a
            different head.

    Source:
        Chen, Goodfellow, Shlens: Net2Net, 2016.
    """
    narrow = without_confidence(narrow)
    layers, others = _layers_with_weights(narrow), _layers_with_weights(wide)
    if not set(layers) <= set(others):
        raise ValueError(
            "widen expects a wide localiser with all layers of the narrow one, received one "
            f"without {', '.join(sorted(set(layers) - set(others)))}."
        )
    last = layers["last"].filters, others["last"].filters
    copies = _Copies(np.random.default_rng(seed), last)
    weights = {
        name: _widened(name, layers[name].get_weights(), layer, copies)
        for name, layer in others.items()
        if name in layers
    }
    for name, values in weights.items():
        others[name].set_weights(values)
    for name in set(others) - set(layers):
        if name.endswith("_2_normalisation"):  # the last of a block: 0 leaves the shortcut
            gamma, *rest = others[name].get_weights()
            others[name].set_weights([np.zeros_like(gamma), *rest])
    correct_rest_pose(wide, narrow)


class _Copies:
    """Chooses the narrow channel of which each wide channel is a copy.

    The choice is the same for all layers with the same numbers of channels, since channels that are
    added or normalised together must be copied together.

    Args:
        rng: the random number generator.
        last: channels of the last map, which is flattened, in both networks.
    """

    def __init__(self, rng: np.random.Generator, last: tuple[int, int]):
        self.rng = rng
        self.last = last
        self._chosen: dict[tuple[int, int], np.ndarray] = {}

    def __call__(self, narrow: int, wide: int) -> np.ndarray:
        if wide < narrow:
            raise ValueError(f"widen expects {narrow} channels or more, received {wide}.")
        if (narrow, wide) not in self._chosen:
            extra = self.rng.permutation(np.resize(np.arange(narrow), wide - narrow))
            self._chosen[narrow, wide] = np.concatenate([np.arange(narrow), extra])
        return self._chosen[narrow, wide]


def _names(localiser):
    """Returns the names of a localiser's layers."""
    return {layer.name for layer in localiser.layers}


def _layers_with_weights(localiser):
    """Returns the layers of a localiser and its backbone that have weights, by name."""
    layers = localiser._flatten_layers(include_self=False, recursive=True)
    return {
        layer.name: layer
        for layer in layers
        if layer.weights and not isinstance(layer, keras.Model)
    }


def _widened(name, weights, wide, copies):
    """Returns the weights of one layer for its wide counterpart."""
    shapes = [tuple(weight.shape) for weight in wide.weights]
    if isinstance(wide, keras.layers.BatchNormalization):
        chosen = copies(len(weights[0]), shapes[0][0])
        return [values[chosen] for values in weights]
    if isinstance(wide, keras.layers.Conv2D):
        (kernel,) = weights
        chosen = copies(kernel.shape[-1], shapes[0][-1])
        return [_split(kernel, shapes[0][-2], copies)[..., chosen]]
    kernel, bias = weights
    if bias.shape != shapes[1]:
        raise ValueError(
            f"widen expects the layer {name} to have {len(bias)} outputs, received {shapes[1][0]}."
        )
    return [_split_features(kernel, shapes[0][0], copies), bias]


def _split(kernel, wide, copies):
    """Shares the weights `(..., in, out)` among the copies of each input channel."""
    chosen = copies(kernel.shape[-2], wide)
    count = np.bincount(chosen)[chosen]
    shared = kernel[..., chosen, :] / count[:, None]
    noise = copies.rng.normal(0, _NOISE * kernel.std(), shared.shape)
    return (shared + np.where(count > 1, 1.0, 0.0)[:, None] * noise).astype(np.float32)


def _split_features(kernel, wide, copies):
    """Does the same for the flattened features `(positions × channels, out)` of the last map."""
    narrow_channels, wide_channels = copies.last
    shape = (-1, narrow_channels, kernel.shape[1])
    return _split(kernel.reshape(shape), wide_channels, copies).reshape(wide, -1)
