"""The 3D morphable model layer."""

from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.ops.morphable_model import shape_from_coefficients


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class MorphableModel(keras.layers.Layer):
    """Generates the vertices of a linear 3D face model from its coefficients.

    Mean and basis are weights. They are fixed by default; with `trainable=True` (or
    `layer.trainable = True` later) the model itself is learnt.

    Args:
        grid_model: a `GridModel`, or anything with a `mean` of shape (N, 3) and a `basis` of shape
            (modes, N, 3). A pair (N, modes) makes a layer whose weights are loaded later.
        trainable: whether mean and basis are trained.

    Call arguments:
        coefficients: `(batch, modes)` tensor α, in standard deviations.

    Returns:
        `(batch, N, 3)` vertices in millimetres.

    Raises:
        ValueError: if `coefficients` has another size than the model has modes.

    Example:

    >>> from keras_3dmmstn.mesh.synthetic import toy_grid_model
    >>> MorphableModel(toy_grid_model((16, 16)))(np.zeros((1, 6))).shape
    TensorShape([1, 256, 3])

    Source:
        Bas et al. 2017, sec. 2.2, "3D morphable model layer".
    """

    def __init__(
        self,
        grid_model: GridModel | list[int] | tuple[int, int],
        trainable: bool = False,
        **kwargs: Any,
    ):
        super().__init__(trainable=trainable, **kwargs)
        if isinstance(grid_model, (list, tuple)):
            self.points, self.modes = (int(size) for size in grid_model)
            self._values = {}
        else:
            self.modes, self.points, _ = grid_model.basis.shape
            self._values = {"mean": grid_model.mean, "basis": grid_model.basis}

    def build(self, input_shape):
        if len(input_shape) != 2 or input_shape[-1] != self.modes:
            raise ValueError(
                f"MorphableModel expects `coefficients` of shape (batch, {self.modes}), "
                f"received shape {tuple(input_shape)}."
            )
        self.mean = self._add_data("mean", (self.points, 3))
        self.basis = self._add_data("basis", (self.modes, self.points, 3))

    def _add_data(self, name, shape):
        weight = self.add_weight(name=name, shape=shape, initializer="zeros")
        if name in self._values:
            weight.assign(self._values[name])
        return weight

    def call(self, coefficients):
        mean, basis = tf.convert_to_tensor(self.mean), tf.convert_to_tensor(self.basis)
        return shape_from_coefficients(coefficients, mean, basis)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.points, 3)

    def get_config(self):
        # Sizes only: a basis in the configuration makes a file of megabytes that does not load.
        config = super().get_config()
        return {**config, "grid_model": [self.points, self.modes], "trainable": self.trainable}
