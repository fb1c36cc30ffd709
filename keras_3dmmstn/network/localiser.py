"""The localiser: a CNN that regresses the parameter vector θ from a photograph."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.framing import CROP_TO_BOX
from keras_3dmmstn.ops.parameters import POSE_SIZE

# Size of a raw unit of the head, in sides of the image and in log s.
_TRANSLATION_UNIT, _LOG_SCALE_UNIT = 0.05, 0.1

#: Passed to layers, so that `keras.config.image_data_format` has no effect on them.
CHANNELS_LAST: dict[str, Any] = {"data_format": "channels_last"}


def build_localiser(
    backbone: keras.Model,
    grid_model: GridModel,
    image_size: int = 224,
    framed_by: str | None = None,
) -> keras.Model:
    """Completes a backbone with a head that regresses θ = (r, t, log s, α).

    An untrained head predicts the mean face, upright and centred, at the size it has in a crop.

    Args:
        backbone: a `keras.Model` from images `(batch, image_size, image_size, 3)`, RGB in
            0..255, to features `(batch, features)` or `(batch, rows, columns, features)`; the
            latter are averaged over rows and columns.
        grid_model: the `GridModel` whose coefficients are regressed.
        image_size: side of the input in pixels.
        framed_by: the landmark set whose tight box defines the crops; None for `ibug68`, or all
            vertices of a model without it.

    Returns:
        A functional `keras.Model` from `image` to θ `(batch, 6 + D)`, with r in radians within
        [−π, π], t in pixels of the image and s in pixels per millimetre.

    Raises:
        ValueError: if the backbone's input or output has a different shape, one of its layers has
            channels first, or the model has no such landmark set.
    """
    _check_backbone(backbone, image_size)
    image = keras.Input((image_size, image_size, 3), name="image")
    features = backbone(image)
    if len(features.shape) == 4:
        features = keras.layers.GlobalAveragePooling2D(name="pooling", **CHANNELS_LAST)(features)
    raw = keras.layers.Dense(
        POSE_SIZE + grid_model.modes, kernel_initializer="zeros", name="head", dtype="float32"
    )(features)
    rest = rest_pose(grid_model, image_size, framed_by)
    parameters = ParameterScaling(*rest, image_size, name="parameter_scaling", dtype="float32")(raw)
    return keras.Model(image, parameters, name="localiser")


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class ParameterScaling(keras.layers.Layer):
    """Converts the head's raw output, of order one, to θ.

        r = π tanh(0.3 ρ / π),   t = t₀ + 0.05 size τ,   log s = log s₀ + 0.1 σ,   α = a

    for raw (ρ, τ, σ, a): one raw unit is roughly the variation of faces in crops.

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
        t = tf.constant(self.translation, t.dtype) + _TRANSLATION_UNIT * self.image_size * t
        log_scale = self.log_scale + _LOG_SCALE_UNIT * log_scale
        return tf.concat([r, t, log_scale, raw[:, POSE_SIZE:]], axis=-1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def raw_rest(self) -> np.ndarray:
        """Returns t₀ and log s₀ `(3,)` in raw units, the same for images of any size."""
        t = (np.array(self.translation) + 0.5) / self.image_size
        log_scale = self.log_scale - np.log(self.image_size)
        return np.array([*(t / _TRANSLATION_UNIT), log_scale / _LOG_SCALE_UNIT])

    def get_config(self):
        return {
            **super().get_config(),
            "translation": list(self.translation),
            "log_scale": self.log_scale,
            "image_size": self.image_size,
        }


def rest_pose(
    grid_model: GridModel, image_size: int, framed_by: str | None = None
) -> tuple[tuple[float, float], float]:
    """Returns (t, log s) that frame the mean face as `framing.crop_square` frames a photograph.

    Args:
        grid_model: the face model.
        image_size: side of the crop in pixels.
        framed_by: as for `build_localiser`.

    Raises:
        ValueError: if the model has no such landmark set.
    """
    points = grid_model.mean[:, :2]
    if framed_by is None and "ibug68" in grid_model.landmarks:
        framed_by = "ibug68"
    if framed_by is not None:
        points = points[grid_model.landmark_indices(framed_by)]
    low, high = points.min(axis=0), points.max(axis=0)
    scale = image_size / (CROP_TO_BOX * (high - low).max())
    translation = (image_size - 1) / 2 - scale * (low + high) / 2
    x, y = translation.tolist()
    return (x, y), float(np.log(scale))


def correct_rest_pose(localiser: keras.Model, source: keras.Model) -> None:
    """Makes a localiser with the weights of another one give the same answers as that one.

    t₀ and log s₀ come from the mean face that a localiser was built with, which training the face
    model changes. The bias of the head is adjusted for the difference.
    """
    before, after = (_scaling(model) for model in (source, localiser))
    if before and after and before.get_config() != after.get_config():
        bias = localiser.get_layer("head").bias
        offset = np.zeros(bias.shape)
        offset[3:POSE_SIZE] = before.raw_rest() - after.raw_rest()
        bias.assign_add(offset)


def _scaling(localiser):
    """Returns a localiser's `ParameterScaling` layer, or None."""
    return next((one for one in localiser.layers if isinstance(one, ParameterScaling)), None)


def _check_backbone(backbone, image_size):
    """Raises a ValueError unless the backbone maps images of this size to features."""
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
