"""The layer that refines the visibility mask between the vertices."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.mesh.finer_grid import interpolation_weights
from keras_3dmmstn.ops import finer_grid


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class FinerMask(keras.layers.Layer):
    """Interpolates the mask as `FinerGrid` does the grid; values of at least ½ are visible.

    The gradient is zero, like that of `SelfOcclusionMask`.

    Args:
        texture_shape: rows and columns of the finer mask.

    Call arguments:
        visible: `(batch, H', W', 1)` tensor, 1 visible, 0 hidden. (Keras reserves the name
            `mask`.)

    Returns:
        `(batch, rows, columns, 1)` mask.

    Raises:
        ValueError: if `visible` has a different shape, or H' or W' is unknown.

    Example:

    >>> one_corner = np.array([[[[1.0], [0.0]], [[0.0], [0.0]]]])
    >>> FinerMask((5, 5))(one_corner)[0, ..., 0].numpy()
    array([[1., 1., 1., 0., 0.],
           [1., 1., 0., 0., 0.],
           [1., 0., 0., 0., 0.],
           [0., 0., 0., 0., 0.],
           [0., 0., 0., 0., 0.]], dtype=float32)
    """

    def __init__(self, texture_shape: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.texture_shape = tuple(int(size) for size in texture_shape)

    def build(self, input_shape):
        if len(input_shape) != 4 or input_shape[3] != 1 or None in input_shape[1:3]:
            raise ValueError(
                "FinerMask expects `visible` of shape (batch, H', W', 1), received shape "
                f"{tuple(input_shape)}."
            )
        pairs = zip(self.texture_shape, input_shape[1:3], strict=True)
        self._weights_of_axes = [interpolation_weights(*pair) for pair in pairs]

    def call(self, visible):
        rows, columns = (tf.constant(weights, visible.dtype) for weights in self._weights_of_axes)
        return finer_grid.refine_mask(visible, rows, columns)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.texture_shape, 1)

    def get_config(self):
        return {**super().get_config(), "texture_shape": list(self.texture_shape)}
