"""VGG-Face, the paper's localiser: its architecture, and its weights from MatConvNet's file."""

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from keras_3dmmstn.network.localiser import CHANNELS_LAST
from keras_3dmmstn.network.vgg_face_file import read_vgg_face


class _Convolution(NamedTuple):
    """One convolution: `(side, side, in, out)` kernel and `(out,)` bias, or only its sizes."""

    side: int
    filters: int
    weights: tuple[np.ndarray, np.ndarray] | None = None


#: The convolutions, by block; a max pooling over 2 × 2 follows each of the first five blocks.
BLOCKS: tuple[dict[str, _Convolution], ...] = (
    {"conv1_1": _Convolution(3, 64), "conv1_2": _Convolution(3, 64)},
    {"conv2_1": _Convolution(3, 128), "conv2_2": _Convolution(3, 128)},
    {name: _Convolution(3, 256) for name in ("conv3_1", "conv3_2", "conv3_3")},
    {name: _Convolution(3, 512) for name in ("conv4_1", "conv4_2", "conv4_3")},
    {name: _Convolution(3, 512) for name in ("conv5_1", "conv5_2", "conv5_3")},
    {"fc6": _Convolution(7, 4096), "fc7": _Convolution(1, 4096)},
)

#: Mean colour subtracted from photographs, RGB in 0..255; that of the file takes precedence.
MEAN_COLOUR: tuple[float, ...] = (129.1863, 104.7624, 93.5940)


def vgg_face_backbone(weights: str | Path | None = None, image_size: int = 224) -> keras.Model:
    """Builds VGG-Face up to its last hidden layer, for `spatial_transformer(backbone=...)`.

    Thirteen 3 × 3 convolutions in five blocks, each followed by a max pooling, and the layers fc6
    and fc7, all with a ReLU; the classifier is left out. 134 million parameters.

    Args:
        weights: `vgg-face.mat` of MatConvNet's pretrained models; None for random weights.
        image_size: side of the input in pixels. The weights are for 224.

    Returns:
        A `keras.Model` from images `(batch, image_size, image_size, 3)`, RGB in 0..255, to 4096
        features of each.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is of another kind or damaged, or if fc6 does not match the last
            feature map at this size.

    Source:
        Parkhi et al. 2015, Table 3, configuration D; Bas et al. 2017, sec. 2.1.
    """
    blocks, mean_colour = BLOCKS, MEAN_COLOUR
    if weights is not None:
        file = read_vgg_face(weights, [list(block) for block in BLOCKS])
        mean_colour = file.mean_colour
        blocks = tuple(
            {name: _with_weights(*file.convolutions[name]) for name in block} for block in BLOCKS
        )
    last_side = image_size // 2 ** (len(BLOCKS) - 1)
    if last_side != blocks[-1]["fc6"].side:
        raise ValueError(
            f"vgg_face_backbone expects an `image_size` whose last feature map is the "
            f"{blocks[-1]['fc6'].side} pixels wide that fc6 covers, received {image_size}, which "
            f"makes it {last_side}."
        )
    return _build(blocks, mean_colour, image_size)


def _build(blocks, mean_colour, image_size):
    """Builds the network, with weights if the blocks have them."""
    image = keras.Input((image_size, image_size, 3), name="image")
    offset = [-float(level) for level in mean_colour]
    x = keras.layers.Rescaling(1.0, offset=offset, name="subtract_mean")(image)
    for number, block in enumerate(blocks, start=1):
        fully_connected = number == len(blocks)
        for name, convolution in block.items():
            x = keras.layers.Conv2D(
                convolution.filters,
                convolution.side,
                padding="valid" if fully_connected else "same",
                activation="relu",
                kernel_initializer="zeros" if convolution.weights else "he_normal",
                name=name,
                **CHANNELS_LAST,
            )(x)
        if not fully_connected:
            x = keras.layers.MaxPooling2D(2, name=f"pool{number}", **CHANNELS_LAST)(x)
    x = keras.layers.Flatten(name="features", **CHANNELS_LAST)(x)
    backbone = keras.Model(image, x, name="vgg_face")
    for block in blocks:
        for name, convolution in block.items():
            if convolution.weights is not None:
                backbone.get_layer(name).set_weights(convolution.weights)
    return backbone


def _with_weights(kernel, bias):
    """Returns the convolution of a kernel and a bias."""
    return _Convolution(kernel.shape[0], kernel.shape[3], (kernel, bias))
