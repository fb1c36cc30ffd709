"""The network that is exported: a trained localiser with the geometry of its face model."""

import math

import keras

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.network.model import spatial_transformer


def trained_network(
    normaliser: Normaliser, landmarks: str = "ibug68", visibility: str = "normals"
) -> keras.Model:
    """Builds `spatial_transformer` around the trained localiser of a normaliser.

    Args:
        normaliser: the localiser and its face model. The localiser's weights are shared, not
            copied.
        landmarks: name of the landmark set; several joined by "+" follow one another.
        visibility: how the mask is computed, as for `spatial_transformer`.

    Returns:
        A `keras.Model`, as of `spatial_transformer`.

    Raises:
        ValueError: if the face model has no such landmark set, or `visibility` is unknown.
    """
    size = normaliser.image_size
    image = keras.Input((size, size, 3))
    stand_in = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    template = spatial_transformer(
        normaliser.grid_model,
        stand_in,
        size,
        landmarks,
        focal_length=normaliser.camera.focal_length,
        visibility=visibility,
    )

    def trained(layer):
        return normaliser.localiser if layer.name == "localiser" else layer

    return keras.models.clone_model(template, clone_function=trained)


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
