"""The parts of residual networks: convolutions with normalisation, and shortcuts."""

import keras
import tensorflow as tf

from keras_3dmmstn.network.fused_batch_normalization import FusedBatchNormalization
from keras_3dmmstn.network.localiser import CHANNELS_LAST


def convolution(x, name, filters, size=3, stride=1, activation="relu"):
    """Appends a convolution with batch normalisation."""
    convolution = keras.layers.Conv2D(
        filters, size, stride, padding="same", use_bias=False, name=name, **CHANNELS_LAST
    )
    x = convolution(x)
    # With Keras' default momentum of 0.99, the statistics lag hundreds of steps behind the weights.
    # On several devices they are those of the whole batch, so that the gradient is that of one
    # device.
    several_devices = tf.distribute.get_strategy().num_replicas_in_sync > 1
    x = FusedBatchNormalization(
        momentum=0.9, synchronized=several_devices, name=f"{name}_normalisation"
    )(x)
    if activation:
        x = keras.layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x


def residual_block(x, name, filters, stride=1):
    """Appends two convolutions and a shortcut around them."""
    shortcut = x
    if stride > 1:
        pooling = keras.layers.AveragePooling2D(stride, name=f"{name}_pooling", **CHANNELS_LAST)
        shortcut = pooling(shortcut)
    if x.shape[-1] != filters:
        shortcut = convolution(shortcut, f"{name}_shortcut", filters, size=1, activation=None)
    x = convolution(x, f"{name}_1", filters, stride=stride)
    x = convolution(x, f"{name}_2", filters, activation=None)
    x = keras.layers.Add(name=f"{name}_sum")([x, shortcut])
    return keras.layers.ReLU(name=f"{name}_relu")(x)
