"""The 2D translation layer."""

import keras

from keras_3dmmstn.ops import projection


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class Translation2D(keras.layers.Layer):
    """Moves the scaled points to their place in the image: Y'' = Y' + t.

    Call arguments:
        points: `(batch, N, 2)` tensor, pixels.
        translation: `(batch, 2)` tensor, pixels.

    Returns:
        `(batch, N, 2)` points in pixels.

    Raises:
        ValueError: if the shapes are wrong.

    Example:

    >>> Translation2D()(np.array([[[1.0, 2.0]]]), np.array([[10.0, 20.0]])).numpy()
    array([[[11., 22.]]], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.2, "Translation".
    """

    def build(self, points_shape, translation_shape):
        if len(points_shape) != 3 or points_shape[-1] != 2 or tuple(translation_shape[1:]) != (2,):
            raise ValueError(
                "Translation2D expects `points` of shape (batch, N, 2) and `translation` of shape "
                f"(batch, 2), received shapes {tuple(points_shape)} and "
                f"{tuple(translation_shape)}."
            )

    def call(self, points, translation):
        return projection.translate_points(points, translation)

    def compute_output_shape(self, points_shape, translation_shape):
        return points_shape
