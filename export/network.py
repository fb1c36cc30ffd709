"""The network that is exported: a trained localiser with the geometry of its face model."""

import keras

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
