"""The 3D morphable model layer."""

import sys
from types import FrameType
from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.layers.face_model_data import add_data, check_data
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.ops.morphable_model import shape_from_coefficients


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class MorphableModel(keras.layers.Layer):
    """Generates the vertices of a linear 3D face model from its coefficients.

    Mean and basis are weights. They are fixed by default; with `trainable=True` (or
    `layer.trainable = True` later) the model itself is learnt. This must be set on the layer
    itself: setting `trainable` of a model around it freezes the layer or restores the layer's own
    setting, but does not make a fixed layer trainable.

    They are weights, not configuration: a clone, or a model from `from_config` or
    `model_from_json`, has none until they are set by `set_weights`, `load_weights` or a `.keras`
    file. Calling the layer before that raises an error.

    Args:
        grid_model: a `GridModel`, or anything with a `mean` of shape (N, 3) and a `basis` of shape
            (modes, N, 3). A pair (N, modes) makes a layer whose weights are set later.
        trainable: whether mean and basis are trained.
        identity_count: how many modes, the first ones, are identity; by default the number of
            `grid_model`, or None if it has none.

    Call arguments:
        coefficients: `(batch, modes)` tensor α, in standard deviations.

    Returns:
        `(batch, N, 3)` vertices in millimetres.

    Raises:
        ValueError: if the number of `coefficients` is not that of the modes, or mean and basis are
            not set.

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
        identity_count: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(trainable=trainable, **kwargs)
        self._is_learnt = bool(trainable)
        if isinstance(grid_model, (list, tuple)):
            self.points, self.modes = (int(size) for size in grid_model)
            self._values = {}
        else:
            self.modes, self.points, _ = grid_model.basis.shape
            self._values = {"mean": grid_model.mean, "basis": grid_model.basis}
            if identity_count is None:
                identity_count = getattr(grid_model, "identity_count", None)
        self.identity_count = None if identity_count is None else int(identity_count)

    @property
    def trainable(self):
        """Whether mean and basis are trained; an outer layer can only freeze or restore this."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        if _is_within_switch_of_a_layer():
            value = value and self._is_learnt
        else:
            self._is_learnt = bool(value)
        keras.layers.Layer.trainable.fset(self, value)

    def build(self, input_shape):
        if len(input_shape) != 2 or input_shape[-1] != self.modes:
            raise ValueError(
                f"MorphableModel expects `coefficients` of shape (batch, {self.modes}), "
                f"received shape {tuple(input_shape)}."
            )
        mean, basis = self._values.get("mean"), self._values.get("basis")
        self.mean = add_data(self, "mean", (self.points, 3), mean)
        self.basis = add_data(self, "basis", (self.modes, self.points, 3), basis)

    def data(self):
        """Returns mean and basis as tensors.

        Raises:
            ValueError: if they are not set.
        """
        check_data(self)
        return tf.convert_to_tensor(self.mean), tf.convert_to_tensor(self.basis)

    def call(self, coefficients):
        return shape_from_coefficients(coefficients, *self.data())

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.points, 3)

    def get_config(self):
        # Sizes only: with a basis in the configuration, the file would have megabytes and not load.
        config = super().get_config()
        return {
            **config,
            "grid_model": [self.points, self.modes],
            "trainable": self.trainable,
            "identity_count": self.identity_count,
        }


def _is_within_switch_of_a_layer():
    """Returns whether an outer layer is passing its own `trainable` on to its inner layers."""
    # Keras assigns to `trainable` of each, as a user does: only the caller tells them apart.
    switch = keras.layers.Layer.trainable.fset.__code__
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not switch:
        frame = frame.f_back
    return frame is not None
