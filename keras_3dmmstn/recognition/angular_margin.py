"""The additive angular margin, with which descriptors of people are learnt."""

import math

import keras
import tensorflow as tf


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
        if classes < 2:
            raise ValueError(f"CosineClassifier expects two classes or more, received {classes}.")
        self.classes = classes

    def build(self, input_shape):
        self.directions = self.add_weight(
            (input_shape[-1], self.classes), initializer="glorot_uniform", name="directions"
        )

    def call(self, descriptor):
        # In half precision the sum of squares would overflow, or be 0.
        wide = tf.cast(descriptor, self.variable_dtype)
        unit = tf.cast(tf.math.l2_normalize(wide, axis=-1), self.compute_dtype)
        return unit @ tf.math.l2_normalize(self.directions.value, axis=0)

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
            each row of cosines, such as one-hot vectors.
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
        y_true = tf.convert_to_tensor(y_true)
        if y_true.shape[1:].num_elements() not in (1, None):
            raise ValueError(
                "AngularMarginLoss expects a whole number for each row of cosines, received labels "
                f"of shape {tuple(y_true.shape)}."
            )
        classes = tf.cast(tf.reshape(y_true, [-1]), tf.int32)
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
