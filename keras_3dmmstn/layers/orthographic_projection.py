"""The orthographic projection layer."""

import keras

from keras_3dmmstn.ops import projection


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class OrthographicProjection(keras.layers.Layer):
    """Projects 3D points along z by dropping their third coordinate.

    Call arguments:
        points: `(batch, N, 3)` tensor.

    Returns:
        `(batch, N, 2)` projected points.

    Raises:
        ValueError: if `points` has a different shape.

    Example:

    >>> OrthographicProjection()(np.array([[[1.0, 2.0, 3.0]]])).numpy()
    array([[[1., 2.]]], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.2, "Orthographic projection layer".
    """

    def build(self, input_shape):
        if len(input_shape) != 3 or input_shape[-1] != 3:
            raise ValueError(
                "OrthographicProjection expects `points` of shape (batch, N, 3), "
                f"received shape {tuple(input_shape)}."
            )

    def call(self, points):
        return projection.project_orthographic(points)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 2)
