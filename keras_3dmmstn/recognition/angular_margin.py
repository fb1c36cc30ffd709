"""The additive angular margin, with which descriptors of people are learnt."""

import math

import keras
import numpy as np
import tensorflow as tf

# Keras casts labels to the type of the loss: so many classes it still tells apart.
_MOST_CLASSES = {"float16": 2**11, "bfloat16": 2**8}


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class CosineClassifier(keras.layers.Layer):
    """Gives the cosine of the angle between a descriptor and the direction of each class.

    Args:
        classes: how many there are.

    Call arguments:
        descriptor: `(batch, D)` tensor of any length.

    Returns:
        `(batch, classes)` tensor of cosines.

    Raises:
        ValueError: if there are not at least two classes.

    Source:
        Wang et al. 2017, NormFace; Deng et al. 2019, ArcFace.
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(classes, int | np.integer) or classes < 2:
            raise ValueError(f"CosineClassifier expects two classes or more, received {classes}.")
        self.classes = int(classes)

    def build(self, input_shape):
        self.directions = self.add_weight(
            (input_shape[-1], self.classes),
            initializer="glorot_uniform",
            name="directions",
            autocast=False,
        )

    def call(self, descriptor):
        units = self._of_length_one(descriptor, -1), self._of_length_one(self.directions.value, 0)
        return tf.matmul(*units)

    def _of_length_one(self, vectors, axis):
        """Returns vectors of length 1 along an axis, in the type that the layer computes in."""
        # In half precision the sum of squares would overflow, or be 0.
        wide = tf.cast(vectors, keras.backend.result_type(self.variable_dtype, "float32"))
        return tf.cast(tf.math.l2_normalize(wide, axis=axis), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.classes)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class AngularMarginLoss(keras.losses.Loss):
    """The cross entropy of cosines, with a margin added to the angle to the right class.

    With cosines cos φ_j, the right class k, margin m and scale s,

        ℓ = −log( exp(s cos(φ_k + m)) / (exp(s cos(φ_k + m)) + Σ_{j≠k} exp(s cos φ_j)) ).

    Where φ_k + m is beyond π, cos(φ_k + m) would rise again: cos φ_k − m sin m stands for it.

    Args:
        margin: m in radians, at least 0.
        scale: s.

    Call arguments:
        y_true: `(batch,)` whole numbers, the classes.
        y_pred: `(batch, classes)` cosines, as of `CosineClassifier`.

    Raises:
        ValueError: if the margin or the scale is out of range, or `y_true` is not one number for
            each row of cosines, such as one-hot vectors, or the loss computes in a type of half
            precision that rounds the numbers of so many classes.
        tf.errors.InvalidArgumentError: if a number is no class. XLA and GPUs cannot raise: there
            the loss is NaN.

    Source:
        Deng et al. 2019, ArcFace: Additive Angular Margin Loss for Deep Face Recognition.
    """

    def __init__(self, margin: float = 0.3, scale: float = 24.0, name="angular_margin", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 <= margin < math.pi / 2 or not 0 < scale < math.inf:
            raise ValueError(
                "AngularMarginLoss expects a margin from 0 to below π/2 and a positive scale, "
                f"received {margin} and {scale}."
            )
        self.margin, self.scale = float(margin), float(scale)

    def call(self, y_true, y_pred):
        y_true, y_pred = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
        if y_true.shape[1:].num_elements() not in (1, None):
            raise ValueError(
                "AngularMarginLoss expects a whole number for each row of cosines, received labels "
                f"of shape {tuple(y_true.shape)}."
            )
        most = _MOST_CLASSES.get(self.dtype, math.inf)
        if (y_pred.shape[-1] or 0) > most:
            raise ValueError(
                f"AngularMarginLoss in {self.dtype} tells {most} classes apart, received "
                f"{y_pred.shape[-1]}: give it dtype='float32'."
            )
        # What lies between two classes, or is NaN, is none of them.
        whole = tf.where(y_true == tf.round(y_true), y_true, -tf.ones_like(y_true))
        classes = tf.cast(tf.reshape(whole, [-1]), tf.int32)
        right = tf.one_hot(classes, tf.shape(y_pred)[-1], dtype=y_pred.dtype)
        cosines = tf.where(right > 0, self._moved(y_pred), y_pred)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(classes, self.scale * cosines)

    def _moved(self, cosine):
        """Returns cos(φ + m) of cos φ."""
        sine = tf.sqrt(tf.maximum(1 - cosine**2, 1e-7))
        moved = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = cosine < -math.cos(self.margin)
        return tf.where(beyond, cosine - self.margin * math.sin(self.margin), moved)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin, "scale": self.scale}
