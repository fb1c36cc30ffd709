"""Batch normalisation that trains with a single TensorFlow operation."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalisation of images, computed by TensorFlow's fused operation in training.

    Keras composes it of some twenty operations, forward and backward, each of which passes over the
    whole feature maps: in a network of small convolutions, on a CPU, they take as long as the
    convolutions. Values, gradients and moving averages are the same. Where the fused operation does
    not apply, Keras' own is used: outside training, if the layer is frozen, for statistics over
    several devices, with a mask, for shapes other than `(batch, height, width, channels)`, in half
    precision, and for weights that are not float32.

    Args:
        **kwargs: as for `keras.layers.BatchNormalization`.

    Source:
        Ioffe & Szegedy 2015, "Batch Normalization".
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and mask is None and self._is_fusable(inputs)):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma, tf.float32),
            offset=tf.convert_to_tensor(self.beta, tf.float32),
            mean=tf.zeros((0,)),
            variance=tf.zeros((0,)),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The operation returns the unbiased variance, but Keras averages that of the batch.
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        variance *= (count - 1) / count
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs

    def _is_fusable(self, inputs):
        """Returns whether the fused operation can be used for this layer and input."""
        of_images = len(inputs.shape) == 4 and self.axis in (-1, 3)
        plain = self.scale and self.center and not (self.synchronized or self.renorm)
        # float16 is left to Keras, which computes it in float32.
        known = inputs.dtype in (tf.float32, tf.bfloat16)
        return of_images and plain and known and self.variable_dtype == "float32"
