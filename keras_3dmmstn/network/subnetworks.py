"""Parts of a network from `spatial_transformer`, with its weights."""

import math

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops


def landmark_network(network: keras.Model) -> keras.Model:
    """Builds the part of a network that computes the landmarks, and nothing more.

    Of the face model only the vertices that can become landmarks are computed. The weights are
    shared with the network, and receive gradients.

    Args:
        network: as from `spatial_transformer`.

    Returns:
        A `keras.Model` from images to a dict of `parameters`, `landmarks` and, if the network has
        them, `confidence` and `spread`, with the same values as the network's.
    """
    selection = network.get_layer("landmarks")
    config = selection.get_config()
    sizes = {name: np.shape(config[name]) for name in ("indices", "lines") if name in config}
    numbers = np.concatenate([np.ravel(config[name]) for name in sizes])
    vertices, renumbered = np.unique(numbers, return_inverse=True)
    parts = np.split(renumbered, np.cumsum([math.prod(size) for size in sizes.values()])[:-1])
    config |= {n: p.reshape(s).tolist() for (n, s), p in zip(sizes.items(), parts, strict=True)}

    def reduced(layer):
        if layer.name == "morphable_model":
            return _SomeVertices(layer, vertices, dtype=layer.dtype_policy)
        return type(layer).from_config(config) if layer is selection else layer

    kept = ("parameters", "landmarks", "confidence", "spread")
    outputs = {name: network.output[name] for name in kept if name in network.output}
    return keras.models.clone_model(keras.Model(network.input, outputs), clone_function=reduced)


class _SomeVertices(keras.layers.Layer):
    """Some vertices of a `MorphableModel`, in a given order."""

    def __init__(self, morphable_model, vertices, **kwargs):
        super().__init__(**kwargs)
        self.morphable_model, self.vertices = morphable_model, vertices

    def call(self, coefficients):
        mean, basis = self.morphable_model.data()
        chosen = tf.gather(mean, self.vertices), tf.gather(basis, self.vertices, axis=1)
        return ops.shape_from_coefficients(coefficients, *chosen)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(self.vertices), 3)


def texture_network(network: keras.Model) -> keras.Model:
    """Builds the part of a network that samples the texture for a given θ.

    Args:
        network: as from `spatial_transformer`.

    Returns:
        A `keras.Model` from [image, θ] to [texture, mask], with the face model of the network.
    """
    # From a clone of its graph: Keras 3.15 cannot save a model whose graph was cut in the middle.
    cut = keras.models.clone_model(network, clone_function=lambda layer: layer)
    inputs = [cut.input, cut.output["parameters"]]
    return keras.Model(inputs, [cut.output["texture"], cut.output["mask"]], name="texture_network")
