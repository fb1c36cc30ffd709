"""The axis-angle to rotation matrix layer."""

import keras

from keras_3dmmstn.ops import rotation


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class AxisAngleToMatrix(keras.layers.Layer):
    """Converts the predicted axis-angle vector to a rotation matrix.

    Call arguments:
        axis_angle: `(batch, 3)` tensor, unit axis times angle in radians.

    Returns:
        `(batch, 3, 3)` rotation matrices that act on column vectors.

    Raises:
        ValueError: if the last axis of `axis_angle` is not 3 long.

    Example:

    >>> quarter_turn_about_z = AxisAngleToMatrix()(np.array([[0.0, 0.0, np.pi / 2]]))
    >>> x_axis = np.array([[1.0], [0.0], [0.0]], dtype="float32")
    >>> np.round(quarter_turn_about_z @ x_axis, 3).ravel() + 0.0
    array([0., 1., 0.], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.2, "Axis-angle to rotation matrix layer".
    """

    def build(self, input_shape):
        if input_shape[-1] != 3:
            raise ValueError(
                "AxisAngleToMatrix expects `axis_angle` of shape (batch, 3), "
                f"received shape {tuple(input_shape)}."
            )

    def call(self, axis_angle):
        return rotation.axis_angle_to_matrix(axis_angle)

    def compute_output_shape(self, input_shape):
        return (*input_shape, 3)
