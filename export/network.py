"""The network that is exported: a trained localiser with the geometry of its face model."""

import math

import keras

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.network.localiser_answers import answer_shapes
from keras_3dmmstn.network.model import connect

#: The outputs of every exported network, and those that it may have.
OUTPUTS = ("parameters", "landmarks", "texture", "mask")
MORE_OUTPUTS = ("confidence", "spread")


def trained_network(
    normaliser: Normaliser,
    landmarks: str = "ibug68",
    visibility: str | None = None,
    texture_size: int | None = None,
) -> keras.Model:
    """Builds `spatial_transformer` around the trained localiser of a normaliser.

    Args:
        normaliser: the localiser and its face model. The localiser's weights are shared, not
            copied.
        landmarks: name of the landmark set, or several joined by "+", which are concatenated.
        visibility: how the mask is computed, as for `spatial_transformer`; as in the normaliser if
            None.
        texture_size: side of texture and mask in pixels, as for `spatial_transformer`; None for the
            face model's grid, whatever size the normaliser samples at.

    Returns:
        A `keras.Model`, as from `spatial_transformer`.

    Raises:
        ValueError: if the face model has no such landmark set, `visibility` is unknown or
            `texture_size` is out of range.
    """
    return connect(
        normaliser.localiser,
        normaliser.grid_model,
        landmarks,
        focal_length=normaliser.camera.focal_length,
        visibility=visibility or normaliser.visibility,
        texture_size=texture_size,
    )


def output_names(localiser: keras.Model) -> tuple[str, ...]:
    """Returns the outputs of the network around a localiser, in the order of exported files."""
    said = answer_shapes(localiser).named()
    return (*OUTPUTS, *(name for name in MORE_OUTPUTS if name in said))


def input_size(network: keras.Model) -> int:
    """Returns the side in pixels of the input of a network of `spatial_transformer`.

    Raises:
        ValueError: if it is not such a network.
    """
    expected = set(OUTPUTS)
    outputs = getattr(network, "output", None)
    if not isinstance(outputs, dict) or set(outputs) - {*MORE_OUTPUTS} != expected:
        received = sorted(outputs) if isinstance(outputs, dict) else type(outputs).__name__
        raise ValueError(
            "An export is made of a network of `spatial_transformer` with outputs "
            f"{', '.join(sorted(expected))}, received one with {received}."
        )
    _, height, width, channels = network.input_shape
    if height != width or channels != 3 or not math.isfinite(height):
        raise ValueError(f"Expected an input (batch, size, size, 3), got {network.input_shape}.")
    return height
