"""The exponentiation layer that keeps the scale positive."""

import keras

from keras_3dmmstn.ops import projection


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class LogScaleToScale(keras.layers.Layer):
    """Converts the predicted log scale to a scale: s = exp(log s).

    Call arguments:
        log_scale: `(batch, 1)` tensor.

    Returns:
        `(batch, 1)` scale, in pixels per millimetre.

    Raises:
        ValueError: if `log_scale` has a different shape.

    Example:

    >>> LogScaleToScale()(np.zeros((1, 1))).numpy()
    array([[1.]], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.2, "Scaling".
    """

    def build(self, input_shape):
        if len(input_shape) != 2 or input_shape[-1] != 1:
            raise ValueError(
                "LogScaleToScale expects `log_scale` of shape (batch, 1), "
                f"received shape {tuple(input_shape)}."
            )

    def call(self, log_scale):
        return projection.log_scale_to_scale(log_scale)

    def compute_output_shape(self, input_shape):
        return input_shape
