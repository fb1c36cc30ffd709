"""The network that is exported: a trained localiser with the geometry of its face model."""

import math

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops
from keras_3dmmstn.model import spatial_transformer
from keras_3dmmstn.normaliser import Normaliser


def trained_network(normaliser: Normaliser, landmarks: str = "ibug68") -> keras.Model:
    """Builds `spatial_transformer` around the trained localiser of a normaliser.

    Args:
        normaliser: the localiser and its face model. The localiser's weights are shared, not
            copied.
        landmarks: name of the landmark set; several joined by "+" follow one another.

    Returns:
        A `keras.Model`, as of `spatial_transformer`.

    Raises:
        ValueError: if the face model has no such landmark set.
    """
    size = normaliser.image_size
    image = keras.Input((size, size, 3))
    stand_in = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    template = spatial_transformer(normaliser.grid_model, stand_in, size, landmarks)

    def trained(layer):
        return normaliser.localiser if layer.name == "localiser" else layer

    return keras.models.clone_model(template, clone_function=trained)


def landmark_network(network: keras.Model) -> keras.Model:
    """Builds the part of a network that says where the landmarks are, and nothing more.

    Of the face model only the vertices that can become a landmark are computed; the weights are
    shared with the network, gradients to them included.

    Args:
        network: as of `spatial_transformer` or `trained_network`.

    Returns:
        A `keras.Model` from images to a dict of `parameters` and `landmarks`, the same as of the
        network.
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

    outputs = {name: network.output[name] for name in ("parameters", "landmarks")}
    return keras.models.clone_model(keras.Model(network.input, outputs), clone_function=reduced)


class _SomeVertices(keras.layers.Layer):
    """Some vertices of a `MorphableModel`, in a given order."""

    def __init__(self, morphable_model, vertices, **kwargs):
        super().__init__(**kwargs)
        self.morphable_model, self.vertices = morphable_model, vertices

    def call(self, coefficients):
        mean = tf.gather(self.morphable_model.mean, self.vertices)
        basis = tf.gather(self.morphable_model.basis, self.vertices, axis=1)
        return ops.shape_from_coefficients(coefficients, mean, basis)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(self.vertices), 3)


def input_size(network):
    """Returns the side in pixels of the input of a network of `spatial_transformer`.

    Raises:
        ValueError: if the network is none.
    """
    expected = {"parameters", "landmarks", "texture", "mask"}
    outputs = getattr(network, "output", None)
    if not isinstance(outputs, dict) or set(outputs) != expected:
        received = sorted(outputs) if isinstance(outputs, dict) else type(outputs).__name__
        raise ValueError(
            "An export is made of a network of `spatial_transformer` with outputs "
            f"{', '.join(sorted(expected))}, received one with {received}."
        )
    _, height, width, channels = network.input_shape
    if height != width or channels != 3 or not math.isfinite(height):
        raise ValueError(f"Expected an input (batch, size, size, 3), got {network.input_shape}.")
    return height
