"""The layer that refines the sampling grid between the projected vertices."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.mesh.finer_grid import interpolation_weights
from keras_3dmmstn.ops import finer_grid


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class FinerGrid(keras.layers.Layer):
    """Interpolates the H'×W' grid of sample positions bilinearly, corners to corners.

    This allows textures of any size, while face model and network keep their grid.

    Args:
        texture_shape: rows and columns of the finer grid.

    Call arguments:
        grid: `(batch, H', W', 2)` tensor, x, y in pixels, as from `ResampledGrid`.

    Returns:
        `(batch, rows, columns, 2)` grid.

    Raises:
        ValueError: if `grid` does not have four axes, or H' or W' is unknown.

    Example:

    >>> corners = np.array([[[[0.0, 0.0], [8.0, 0.0]], [[0.0, 4.0], [8.0, 4.0]]]])
    >>> FinerGrid((3, 3))(corners)[0, 1].numpy()
    array([[0., 2.],
           [4., 2.],
           [8., 2.]], dtype=float32)
    """

    def __init__(self, texture_shape: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.texture_shape = tuple(int(size) for size in texture_shape)

    def build(self, input_shape):
        if len(input_shape) != 4 or None in input_shape[1:3]:
            raise ValueError(
                "FinerGrid expects `grid` of shape (batch, H', W', 2), received shape "
                f"{tuple(input_shape)}."
            )
        pairs = zip(self.texture_shape, input_shape[1:3], strict=True)
        self._weights_of_axes = [interpolation_weights(*pair) for pair in pairs]

    def call(self, grid):
        rows, columns = (tf.constant(weights, grid.dtype) for weights in self._weights_of_axes)
        return finer_grid.refine_grid(grid, rows, columns)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.texture_shape, input_shape[3])

    def get_config(self):
        return {**super().get_config(), "texture_shape": list(self.texture_shape)}
