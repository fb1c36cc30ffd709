"""The perspective projection layer."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.ops import perspective


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class PerspectiveProjection(keras.layers.Layer):
    """Projects 3D points to the image of a camera at the origin that looks along +z.

        Y = f (X' + t)_xy / (X' + t)_z + c

    Points nearer than a centimetre, or behind the camera, appear far out on their own side, with
    finite gradients. See `ops.project_perspective`.

    Args:
        principal_point: c, (x, y) in pixels: where the optical axis meets the image.
        focal_length: f in pixels; None if it is an input.

    Call arguments:
        points: `(batch, N, 3)` tensor X', millimetres.
        translation: `(batch, 3)` tensor t, from the camera to the points' origin, millimetres.
        focal_length: `(batch, 1)` tensor f, pixels; only if the layer has none of its own.

    Returns:
        `(batch, N, 2)` points in pixels.

    Raises:
        ValueError: if the shapes are wrong, or the focal length is given twice or not at all.

    Example:

    >>> projection = PerspectiveProjection((100.0, 80.0), focal_length=500.0)
    >>> half_a_metre_away = np.array([[0.0, 0.0, 500.0]])
    >>> projection(np.array([[[10.0, -20.0, 0.0]]]), half_a_metre_away).numpy()
    array([[[110.,  60.]]], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.2, mention it as the alternative to their orthographic projection.
    """

    def __init__(
        self, principal_point: Sequence[float], focal_length: float | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.principal_point = tuple(float(value) for value in principal_point)
        self.focal_length = None if focal_length is None else float(focal_length)

    def build(self, points_shape, translation_shape, focal_length_shape=None):
        if (focal_length_shape is None) == (self.focal_length is None):
            where = "neither" if self.focal_length is None else "both"
            raise ValueError(
                "PerspectiveProjection expects `focal_length` either as an argument of its own or "
                f"as an input, received {where}."
            )
        shapes = [tuple(points_shape), tuple(translation_shape)]
        expected = len(shapes[0]) == 3 and shapes[0][-1] == 3 and shapes[1][1:] == (3,)
        if focal_length_shape is not None:
            shapes.append(tuple(focal_length_shape))
            expected = expected and shapes[2][1:] == (1,)
        if not expected:
            raise ValueError(
                "PerspectiveProjection expects `points` of shape (batch, N, 3), `translation` of "
                "shape (batch, 3) and, if it is an input, `focal_length` of shape (batch, 1), "
                f"received shapes {', '.join(map(str, shapes))}."
            )

    def call(self, points, translation, focal_length=None):
        if focal_length is None:
            focal_length = self.focal_length * tf.ones_like(translation[:, :1])
        principal_point = self.principal_point * tf.ones_like(translation[:, :2])
        return perspective.project_perspective(points, translation, focal_length, principal_point)

    def compute_output_shape(self, points_shape, translation_shape, focal_length_shape=None):
        return (*points_shape[:-1], 2)

    def get_config(self):
        return {
            **super().get_config(),
            "principal_point": list(self.principal_point),
            "focal_length": self.focal_length,
        }
