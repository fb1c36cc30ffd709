"""The layer that arranges projected vertices as a sampling grid."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_3dmmstn.ops import sampling


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class ResampledGrid(keras.layers.Layer):
    """Arranges the projected vertices as the H'×W' grid of sample positions.

    Args:
        grid_shape: (H', W'), rows and columns.

    Call arguments:
        points: `(batch, H'·W', 2)` tensor, row-major.

    Returns:
        `(batch, H', W', 2)` grid.

    Raises:
        ValueError: if there are not H'·W' points.

    Example:

    >>> ResampledGrid((2, 3))(np.zeros((1, 6, 2))).shape
    TensorShape([1, 2, 3, 2])

    Source:
        Bas et al. 2017, sec. 2.3, "Output grid".
    """

    def __init__(self, grid_shape: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.grid_shape = tuple(int(size) for size in grid_shape)

    def build(self, input_shape):
        rows, columns = self.grid_shape
        if len(input_shape) != 3 or input_shape[1] != rows * columns:
            raise ValueError(
                f"ResampledGrid expects `points` of shape (batch, {rows * columns}, 2) for its "
                f"{rows} x {columns} grid, received shape {tuple(input_shape)}."
            )

    def call(self, points):
        return sampling.points_to_grid(points, self.grid_shape)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.grid_shape, input_shape[2])

    def get_config(self):
        return {**super().get_config(), "grid_shape": list(self.grid_shape)}
