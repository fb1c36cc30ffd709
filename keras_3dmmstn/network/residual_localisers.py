"""The localisers trained from scratch: a small residual network and a larger one."""

import keras

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.localiser import CHANNELS_LAST, build_localiser
from keras_3dmmstn.network.residual_blocks import convolution, residual_block

#: Side in pixels to which these localisers shrink the image, and side of the middle part that they
#: use: 1.36 times the larger side of the box of the 68 landmarks.
COMPACT_SIZE, MIDDLE_SIZE = 140, 112


def compact_localiser(
    grid_model: GridModel, image_size: int = 224, framed_by: str | None = None
) -> keras.Model:
    """Builds the default localiser: small enough for a phone, trained from scratch.

    It is a narrow residual network (0.6 million parameters, 35 million multiplications) on the
    middle of the image, 112 pixels wide. It has plain 3×3 convolutions rather than depthwise ones,
    since they train several times as fast on a CPU. The last feature map is flattened, not
    averaged, so that the positions of features matter.

    Args:
        grid_model: the `GridModel` whose coefficients are regressed.
        image_size: side of the input in pixels, at least 140. The weights are the same for all
            sizes.
        framed_by: as for `build_localiser`.

    Returns:
        A `keras.Model`, as from `build_localiser`.

    Raises:
        ValueError: if `image_size` is too small, or the model has no such landmark set.

    Source:
        He et al. 2016 (residual blocks, their shortcuts with an average as in He et al. 2019).
    """
    backbone = _residual_backbone("compact", image_size, (16, 24), ((48, 2), (96, 2)), 128)
    return build_localiser(backbone, grid_model, image_size, framed_by)


def base_localiser(
    grid_model: GridModel, image_size: int = 224, framed_by: str | None = None
) -> keras.Model:
    """Builds a larger localiser, for much data: `compact_localiser`, wider and deeper.

    It has 2.4 million parameters and 139 million multiplications. Arguments, result, errors and
    source are those of `compact_localiser`, whose weights it can start from
    (`network.widening.widen`).
    """
    backbone = _residual_backbone("base", image_size, (24, 40), ((88, 2), (176, 3)), 224)
    return build_localiser(backbone, grid_model, image_size, framed_by)


#: The localisers by name.
LOCALISERS = {"compact": compact_localiser, "base": base_localiser}


def _residual_backbone(name, image_size, stem, stages, last):
    """Builds a backbone from images to features.

    Args:
        name: of the model.
        image_size: side of the input in pixels.
        stem: channels of the first two convolutions.
        stages: channels and number of residual blocks of each stage, which halves the map.
        last: channels of the last convolution.
    """
    if image_size < COMPACT_SIZE:
        raise ValueError(
            f"{name}_localiser expects an `image_size` of at least {COMPACT_SIZE}, "
            f"received {image_size}."
        )
    image = keras.Input((image_size, image_size, 3), name="image")
    x = image
    # These two layers default to training mode, and would pass it on to the layers after them
    # whenever the model is called without `training`. `fit` overrides this setting.
    if image_size > COMPACT_SIZE:
        shrink = keras.layers.Resizing(*[COMPACT_SIZE] * 2, name="shrink", **CHANNELS_LAST)
        x = shrink(x, training=False)
    middle = keras.layers.CenterCrop(*[MIDDLE_SIZE] * 2, name="middle", **CHANNELS_LAST)
    x = middle(x, training=False)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale_levels")(x)
    x = convolution(x, "stem_1", stem[0], stride=2)  # 56 × 56
    x = convolution(x, "stem_2", stem[1], stride=2)  # 28 × 28
    number = 0
    for channels, blocks in stages:  # 14 × 14, 7 × 7
        for place in range(blocks):
            number += 1
            x = residual_block(x, f"block_{number}", channels, stride=1 if place else 2)
    x = convolution(x, "last", last, stride=2)  # 4 × 4
    x = keras.layers.Flatten(name="features", **CHANNELS_LAST)(x)
    return keras.Model(image, x, name=name)
