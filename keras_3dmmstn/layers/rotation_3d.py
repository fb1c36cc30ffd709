"""The 3D rotation layer."""

import keras

from keras_3dmmstn.ops.rotation import rotate_points


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class Rotation3D(keras.layers.Layer):
    """Rotates the points of each shape by its rotation matrix: X' = R X.

    Call arguments:
        points: `(batch, N, 3)` tensor.
        rotation: `(batch, 3, 3)` rotation matrices.

    Returns:
        `(batch, N, 3)` rotated points.

    Raises:
        ValueError: if the shapes are wrong.

    Example:

    >>> half_turn_about_y = np.diag([-1.0, 1.0, -1.0])[None]
    >>> Rotation3D()(np.array([[[1.0, 2.0, 3.0]]]), half_turn_about_y).numpy()
    array([[[-1.,  2., -3.]]], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.2, "3D rotation layer".
    """

    def build(self, points_shape, rotation_shape):
        if len(points_shape) != 3 or points_shape[-1] != 3 or tuple(rotation_shape[1:]) != (3, 3):
            raise ValueError(
                "Rotation3D expects `points` of shape (batch, N, 3) and `rotation` of shape "
                f"(batch, 3, 3), received shapes {tuple(points_shape)} and "
                f"{tuple(rotation_shape)}."
            )

    def call(self, points, rotation):
        return rotate_points(points, rotation)

    def compute_output_shape(self, points_shape, rotation_shape):
        return points_shape
