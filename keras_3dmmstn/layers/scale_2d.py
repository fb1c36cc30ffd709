"""The 2D scaling layer."""

import keras

from keras_3dmmstn.ops import projection


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class Scale2D(keras.layers.Layer):
    """Scales the projected points from millimetres to pixels: Y' = s Y.

    Call arguments:
        points: `(batch, N, 2)` tensor, millimetres.
        scale: `(batch, 1)` tensor, pixels per millimetre.

    Returns:
        `(batch, N, 2)` points in pixels.

    Raises:
        ValueError: if the shapes are wrong.

    Example:

    >>> Scale2D()(np.array([[[1.0, 2.0]]]), np.array([[3.0]])).numpy()
    array([[[3., 6.]]], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.2, "Scaling".
    """

    def build(self, points_shape, scale_shape):
        if len(points_shape) != 3 or points_shape[-1] != 2 or tuple(scale_shape[1:]) != (1,):
            raise ValueError(
                "Scale2D expects `points` of shape (batch, N, 2) and `scale` of shape (batch, 1), "
                f"received shapes {tuple(points_shape)} and {tuple(scale_shape)}."
            )

    def call(self, points, scale):
        return projection.scale_points(points, scale)

    def compute_output_shape(self, points_shape, scale_shape):
        return points_shape
