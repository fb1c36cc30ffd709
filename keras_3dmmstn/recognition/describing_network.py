"""A small network from a picture of a face to a descriptor of the person."""

import keras

from keras_3dmmstn.network.localiser import CHANNELS_LAST
from keras_3dmmstn.network.residual_blocks import convolution, residual_block

# Channels of the stem, and of the residual blocks, each of which halves the map.
_STEM, _BLOCKS = (16, 32), (64, 128)


def descriptor_network(
    size: int = 64, channels: int = 3, length: int = 128, dropout: float = 0.2
) -> keras.Model:
    """Builds a small residual network (0.5 million weights at 64 pixels) that describes a face.

    Args:
        size: side of its square input in pixels, a multiple of 16 from 32 on.
        channels: of the input: 3 for RGB in 0..255, 4 for a mask in 0..255 beside it.
        length: numbers of the descriptor.
        dropout: share of the features that training hides.

    Returns:
        A `keras.Model` called `descriptor` from `(batch, size, size, channels)` to
        `(batch, length)`, of any length: compare descriptors by their cosine.

    Raises:
        ValueError: if the size is none of these.

    Source:
        He et al. 2016 (residual blocks).
    """
    if size < 32 or size % 16:
        raise ValueError(
            f"descriptor_network expects a size of 32 or a larger multiple of 16, received {size}."
        )
    picture = keras.Input((size, size, channels), name="picture")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale_levels")(picture)
    for number, count in enumerate(_STEM, 1):
        x = convolution(x, f"descriptor_stem_{number}", count, stride=2)
    for number, count in enumerate(_BLOCKS, 1):
        x = residual_block(x, f"descriptor_block_{number}", count, stride=2)
    x = keras.layers.Flatten(name="features", **CHANNELS_LAST)(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = keras.layers.Dense(length, use_bias=False, name="descriptor_projection")(x)
    x = keras.layers.BatchNormalization(momentum=0.9, name="descriptor_normalisation")(x)
    return keras.Model(picture, x, name="descriptor")
