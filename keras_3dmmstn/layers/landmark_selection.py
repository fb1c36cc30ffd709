"""The landmark selection layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.ops import projection


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class LandmarkSelection(keras.layers.Layer):
    """Selects the landmarks among the projected vertices.

    Args:
        indices: the vertex of each landmark, a sequence of integers of at least 0.

    Call arguments:
        points: `(batch, N, dimensions)` tensor.

    Returns:
        `(batch, len(indices), dimensions)` tensor.

    Raises:
        ValueError: if `indices` is empty, negative, or refers to a point that does not exist.

    Example:

    >>> points = np.array([[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]])
    >>> LandmarkSelection([2, 0])(points).numpy()
    array([[[4., 5.],
            [0., 1.]]], dtype=float32)

    Source:
        Bas et al. 2017, sec. 3.3, eq. (4).
    """

    def __init__(self, indices: Sequence[int] | np.ndarray, **kwargs: Any):
        super().__init__(**kwargs)
        self.indices = tuple(int(index) for index in indices)
        if not self.indices or min(self.indices) < 0:
            raise ValueError(
                "LandmarkSelection expects `indices` of at least 0, and at least one of them, "
                f"received {self.indices}."
            )

    def build(self, input_shape):
        if len(input_shape) != 3:
            raise ValueError(
                "LandmarkSelection expects `points` of shape (batch, N, dimensions), "
                f"received shape {tuple(input_shape)}."
            )
        if max(self.indices) >= input_shape[1]:
            raise ValueError(
                f"LandmarkSelection expects more than {max(self.indices)} points for its "
                f"`indices`, received shape {tuple(input_shape)}."
            )

    def call(self, points):
        return projection.select_points(points, tf.constant(self.indices))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(self.indices), input_shape[2])

    def get_config(self):
        return {**super().get_config(), "indices": list(self.indices)}
