"""The localiser: a CNN that regresses the parameter vector θ from a photograph."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.framing import CROP_TO_BOX
from keras_3dmmstn.ops.parameters import POSE_SIZE

#: Side in pixels to which the compact localiser shrinks the image, and of the middle of it that it
#: looks at: 1.36 times the larger side of the box of the 68 landmarks.
COMPACT_SIZE, MIDDLE_SIZE = 140, 112
#: Units of the hidden layer between features and confidence.
CONFIDENCE_UNITS = 16

# Images are so whatever `keras.config.image_data_format` says of layers that are not told.
CHANNELS_LAST: dict[str, Any] = {"data_format": "channels_last"}


def build_localiser(
    backbone: keras.Model, grid_model: GridModel, image_size: int = 224
) -> keras.Model:
    """Completes a backbone with a head that regresses θ = (r, t, log s, α).

    A new head predicts the mean face, upright and centred, at the size it has in a crop.

    Args:
        backbone: a `keras.Model` from images `(batch, image_size, image_size, 3)`, RGB in
            0..255, to features `(batch, features)` or `(batch, rows, columns, features)`; the
            latter are averaged over rows and columns.
        grid_model: the `GridModel` whose coefficients are regressed.
        image_size: side of the input in pixels.

    Returns:
        A functional `keras.Model` from `image` to θ `(batch, 6 + D)`, with r in radians within
        [−π, π], t in pixels of the image and s in pixels per millimetre.

    Raises:
        ValueError: if the backbone's input or output has another shape, or one of its layers takes
            channels first.
    """
    _check_backbone(backbone, image_size)
    image = keras.Input((image_size, image_size, 3), name="image")
    features = backbone(image)
    if len(features.shape) == 4:
        features = keras.layers.GlobalAveragePooling2D(name="pooling", **CHANNELS_LAST)(features)
    raw = keras.layers.Dense(
        POSE_SIZE + grid_model.modes, kernel_initializer="zeros", name="head", dtype="float32"
    )(features)
    parameters = ParameterScaling(
        *rest_pose(grid_model, image_size), image_size, name="parameter_scaling", dtype="float32"
    )(raw)
    return keras.Model(image, parameters, name="localiser")


def compact_localiser(grid_model: GridModel, image_size: int = 224) -> keras.Model:
    """Builds the default localiser: small enough for a phone, trained from scratch.

    A narrow residual network (0.6 million parameters, 34 million multiplications) on the middle of
    the image, 112 pixels wide. Plain 3×3 convolutions rather than depthwise ones: they train
    several times as fast on a processor. The last feature map is flattened, not averaged, so that
    it matters where a feature is.

    Args:
        grid_model: the `GridModel` whose coefficients are regressed.
        image_size: side of the input in pixels, at least 140. The weights are the same for all.

    Returns:
        A `keras.Model`, as of `build_localiser`.

    Raises:
        ValueError: if `image_size` is too small.

    Source:
        He et al. 2016 (residual blocks, their shortcuts with an average as in He et al. 2019).
    """
    if image_size < COMPACT_SIZE:
        raise ValueError(
            f"compact_localiser expects an `image_size` of at least {COMPACT_SIZE}, "
            f"received {image_size}."
        )
    image = keras.Input((image_size, image_size, 3), name="image")
    x = image
    # These two layers default to training, and would carry the layers after them along wherever the
    # model is called without a word on it. `fit` overrides what is said here.
    if image_size > COMPACT_SIZE:
        shrink = keras.layers.Resizing(*[COMPACT_SIZE] * 2, name="shrink", **CHANNELS_LAST)
        x = shrink(x, training=False)
    middle = keras.layers.CenterCrop(*[MIDDLE_SIZE] * 2, name="middle", **CHANNELS_LAST)
    x = middle(x, training=False)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale_levels")(x)
    x = _convolution(x, "stem_1", 16, stride=2)  # 56 × 56
    x = _convolution(x, "stem_2", 24, stride=2)  # 28 × 28
    x = _residual_block(x, "block_1", 48, stride=2)  # 14 × 14
    x = _residual_block(x, "block_2", 48)
    x = _residual_block(x, "block_3", 96, stride=2)  # 7 × 7
    x = _residual_block(x, "block_4", 96)
    x = _convolution(x, "last", 128, stride=2)  # 4 × 4
    x = keras.layers.Flatten(name="features", **CHANNELS_LAST)(x)
    return build_localiser(keras.Model(image, x, name="compact"), grid_model, image_size)


def with_confidence(localiser: keras.Model) -> keras.Model:
    """Adds a second head to a localiser, which says how sure it is.

    The head sees the same features and leaves θ as it is. It is small, and new: train it with
    `train_confidence`.

    Args:
        localiser: as of `build_localiser`. Its layers are shared, not copied.

    Returns:
        A functional `keras.Model` from `image` to a dict of `parameters`, θ `(batch, 6 + D)`, and
        `confidence` `(batch, 1)`: the probability, 0 to 1, that there is a face and its landmarks
        are right.

    Raises:
        ValueError: if the localiser has no layer `head`, or a confidence already.
    """
    names = [layer.name for layer in localiser.layers]
    if "head" not in names or "confidence" in names:
        raise ValueError(
            "with_confidence expects a localiser of build_localiser without a confidence, "
            f"received one with the layers {', '.join(names[-3:])}."
        )
    features = localiser.get_layer("head").input
    hidden = keras.layers.Dense(
        CONFIDENCE_UNITS, activation="relu", name="confidence_hidden", dtype="float32"
    )(features)
    confidence = keras.layers.Dense(1, activation="sigmoid", name="confidence", dtype="float32")
    outputs = {"parameters": localiser.output, "confidence": confidence(hidden)}
    return keras.Model(localiser.input, outputs, name="localiser")


def without_confidence(localiser: keras.Model) -> keras.Model:
    """Returns a localiser from images to θ alone, with shared layers; itself if it is one."""
    if not isinstance(getattr(localiser, "output", None), dict):
        return localiser
    return keras.Model(localiser.input, localiser.output["parameters"], name="localiser")


def parameters_and_confidence(outputs: Any) -> tuple[Any, Any]:
    """Returns what a localiser says, θ and its confidence; None for one that has no confidence."""
    if isinstance(outputs, dict):
        return outputs["parameters"], outputs.get("confidence")
    return outputs, None


def answer_shapes(localiser: Any) -> tuple[Any, Any]:
    """Returns the shapes of a localiser's θ and confidence; None for one that has no confidence.

    Args:
        localiser: a `keras.Model`, or a callable with `output_shape`, for which a dict is right,
            too. Keras flattens the shapes of a dict to a list.

    Raises:
        ValueError: if it says nothing of its output, or that is a dict without `parameters`.
    """
    output = getattr(localiser, "output", None)
    shapes: Any = None
    if isinstance(output, dict):
        shapes = {name: tensor.shape for name, tensor in output.items()}
    else:
        shapes = getattr(localiser, "output_shape", None)
    if shapes is None or (isinstance(shapes, dict) and "parameters" not in shapes):
        received = "none that is known" if shapes is None else f"{', '.join(map(str, shapes))}"
        raise ValueError(
            "Expected a localiser whose output is θ, or a dict of `parameters` and perhaps "
            f"`confidence`, such as a functional keras.Model; received {received}."
        )
    return parameters_and_confidence(shapes)


def _convolution(x, name, filters, size=3, stride=1, activation="relu"):
    """Appends a convolution with batch normalisation."""
    convolution = keras.layers.Conv2D(
        filters, size, stride, padding="same", use_bias=False, name=name, **CHANNELS_LAST
    )
    x = convolution(x)
    # At Keras' own momentum of 0.99 the statistics lag hundreds of steps behind the weights. On
    # several devices they are those of the whole batch, so that the gradient is that of one.
    several_devices = tf.distribute.get_strategy().num_replicas_in_sync > 1
    x = keras.layers.BatchNormalization(
        momentum=0.9, synchronized=several_devices, name=f"{name}_normalisation"
    )(x)
    if activation:
        x = keras.layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x


def _residual_block(x, name, filters, stride=1):
    """Appends two convolutions and a shortcut around them."""
    shortcut = x
    if stride > 1:
        pooling = keras.layers.AveragePooling2D(stride, name=f"{name}_pooling", **CHANNELS_LAST)
        shortcut = pooling(shortcut)
    if x.shape[-1] != filters:
        shortcut = _convolution(shortcut, f"{name}_shortcut", filters, size=1, activation=None)
    x = _convolution(x, f"{name}_1", filters, stride=stride)
    x = _convolution(x, f"{name}_2", filters, activation=None)
    x = keras.layers.Add(name=f"{name}_sum")([x, shortcut])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class ParameterScaling(keras.layers.Layer):
    """Turns the head's raw output, of unit order, into θ.

        r = π tanh(0.3 ρ / π),   t = t₀ + 0.05 size τ,   log s = log s₀ + 0.1 σ,   α = a

    for raw (ρ, τ, σ, a): one raw unit is about what faces in a crop vary by.

    Args:
        translation: t₀, (x, y) in pixels.
        log_scale: log s₀, s₀ in pixels per millimetre.
        image_size: side of the input in pixels.

    Call arguments:
        raw: `(batch, 6 + D)` tensor.

    Returns:
        `(batch, 6 + D)` tensor θ.
    """

    def __init__(
        self, translation: Sequence[float], log_scale: float, image_size: int, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.translation = tuple(float(value) for value in translation)
        self.log_scale = float(log_scale)
        self.image_size = int(image_size)

    def call(self, raw):
        r, t, log_scale = raw[:, :3], raw[:, 3:5], raw[:, 5:6]
        r = np.pi * tf.tanh(r * (0.3 / np.pi))
        t = tf.constant(self.translation, t.dtype) + 0.05 * self.image_size * t
        log_scale = self.log_scale + 0.1 * log_scale
        return tf.concat([r, t, log_scale, raw[:, POSE_SIZE:]], axis=-1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "translation": list(self.translation),
            "log_scale": self.log_scale,
            "image_size": self.image_size,
        }


def rest_pose(grid_model: GridModel, image_size: int) -> tuple[tuple[float, float], float]:
    """Returns (t, log s) that frame the mean face as `framing.crop_square` frames a photograph.

    A model without `ibug68` landmarks is framed by all its vertices.
    """
    points = grid_model.mean[:, :2]
    if "ibug68" in grid_model.landmarks:
        points = points[grid_model.landmarks["ibug68"]]
    low, high = points.min(axis=0), points.max(axis=0)
    scale = image_size / (CROP_TO_BOX * (high - low).max())
    translation = (image_size - 1) / 2 - scale * (low + high) / 2
    x, y = translation.tolist()
    return (x, y), float(np.log(scale))


def _check_backbone(backbone, image_size):
    """Raises a ValueError unless the backbone turns images of that size into features."""
    expected = (None, image_size, image_size, 3)
    received = getattr(backbone, "input_shape", None)  # a model never called has none
    if received != expected:
        raise ValueError(
            f"The localiser expects a backbone with input of shape {expected}, "
            f"received one with input of shape {received}."
        )
    others = [
        layer.name
        for layer in backbone._flatten_layers()
        if getattr(layer, "data_format", None) == "channels_first"
    ]
    if others:
        raise ValueError(
            'The localiser expects a backbone whose layers have data_format="channels_last", '
            f'received "channels_first" of {others[0]}; keras.config.set_image_data_format, or '
            '"image_data_format" in keras.json, says what layers have that are not told.'
        )
    if isinstance(backbone.output_shape, (list, dict)) or len(backbone.output_shape) not in (2, 4):
        raise ValueError(
            "The localiser expects a backbone with one output of shape (batch, features) or "
            f"(batch, rows, columns, features), received {backbone.output_shape}."
        )
