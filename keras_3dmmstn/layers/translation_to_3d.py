"""The layer that converts a position in the image to one in front of the camera."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.ops import perspective


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class TranslationTo3D(keras.layers.Layer):
    """Converts translation and scale in the image to a translation in front of a camera.

        t₃ = ((t − c) / s, f / s)

    `PerspectiveProjection` then shows the face's origin at t, and a millimetre beside it as s
    pixels, as the paper's camera does. See `ops.translation_to_3d`.

    Args:
        principal_point: c, (x, y) in pixels.
        focal_length: f in pixels.

    Call arguments:
        translation: `(batch, 2)` tensor t, pixels.
        scale: `(batch, 1)` tensor s, pixels per millimetre.

    Returns:
        `(batch, 3)` translation in millimetres.

    Raises:
        ValueError: if the shapes are wrong.

    Example:

    >>> layer = TranslationTo3D((100.0, 80.0), focal_length=500.0)
    >>> layer(np.array([[110.0, 60.0]]), np.array([[2.0]])).numpy()
    array([[  5., -10., 250.]], dtype=float32)
    """

    def __init__(self, principal_point: Sequence[float], focal_length: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.principal_point = tuple(float(value) for value in principal_point)
        self.focal_length = float(focal_length)

    def build(self, translation_shape, scale_shape):
        shapes = tuple(translation_shape), tuple(scale_shape)
        if [shape[1:] for shape in shapes] != [(2,), (1,)]:
            raise ValueError(
                "TranslationTo3D expects `translation` of shape (batch, 2) and `scale` of shape "
                f"(batch, 1), received shapes {shapes[0]} and {shapes[1]}."
            )

    def call(self, translation, scale):
        return perspective.translation_to_3d(
            translation,
            scale,
            self.focal_length * tf.ones_like(scale),
            self.principal_point * tf.ones_like(translation),
        )

    def compute_output_shape(self, translation_shape, scale_shape):
        return (translation_shape[0], 3)

    def get_config(self):
        return {
            **super().get_config(),
            "principal_point": list(self.principal_point),
            "focal_length": self.focal_length,
        }
