"""The layer that splits the parameter vector."""

import keras

from keras_3dmmstn.ops.parameters import POSE_SIZE, split_parameters


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class SplitParameters(keras.layers.Layer):
    """Splits the localiser's θ into rotation, translation, log scale and shape coefficients.

    Call arguments:
        parameters: `(batch, 6 + D)` tensor θ = (r, t, log s, α).

    Returns:
        r `(batch, 3)`, t `(batch, 2)`, log s `(batch, 1)` and α `(batch, D)`.

    Raises:
        ValueError: if θ has fewer than seven elements.

    Example:

    >>> theta = np.arange(8.0)[None]
    >>> [tuple(part.shape) for part in SplitParameters()(theta)]
    [(1, 3), (1, 2), (1, 1), (1, 2)]

    Source:
        Bas et al. 2017, eq. (1).
    """

    def build(self, input_shape):
        if len(input_shape) != 2 or input_shape[-1] is None or input_shape[-1] < 7:
            raise ValueError(
                "SplitParameters expects `parameters` of shape (batch, 6 + D) with D of at least "
                f"1, received shape {tuple(input_shape)}."
            )

    def call(self, parameters):
        return split_parameters(parameters)

    def compute_output_shape(self, input_shape):
        batch, size = input_shape
        return (batch, 3), (batch, 2), (batch, 1), (batch, size - POSE_SIZE)
