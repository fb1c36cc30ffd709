"""Tests of batch normalisation that trains in one operation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.network.fused_batch_normalization import FusedBatchNormalization

# Sums over 600 numbers in another order: float32's eps times the root of that, times a few steps.
TOLERANCE = 2e-5


def layers(**settings):
    """Returns Keras' layer and ours with the same weights, for maps of 3 channels."""
    kinds = keras.layers.BatchNormalization, FusedBatchNormalization
    both = [kind(**{"momentum": 0.9, **settings}) for kind in kinds]
    for layer in both:
        layer.build((None, 5, 6, 3))
    random = np.random.default_rng(3)
    weights = [random.uniform(0.5, 2, value.shape) for value in both[0].get_weights()]
    for layer in both:
        layer.set_weights(weights)
    return both


def maps(dtype=tf.float32):
    """Returns 20 maps whose channels have different means and variances."""
    noise = np.random.default_rng(1).normal(size=(20, 5, 6, 3))
    return tf.constant(noise * [0.5, 1, 30] + [2, -1, 0], dtype)


def trained(layer, inputs):
    """Returns outputs in training, their gradients for random upstream ones, and the averages."""
    upstream = np.random.default_rng(2).normal(size=inputs.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * upstream)
    weights = [variable.value for variable in layer.trainable_variables]
    averages = [variable.value for variable in layer.non_trainable_variables]
    return [outputs, *tape.gradient(loss, [inputs, *weights]), *averages]


def assert_same(expected, computed, tolerance=TOLERANCE):
    for one, other in zip(expected, computed, strict=True):
        one, other = (np.asarray(tf.cast(value, tf.float32)) for value in (one, other))
        np.testing.assert_allclose(other, one, rtol=0, atol=tolerance * np.abs(one).max())


def operations(layer, inputs, **how):
    """Returns the names of the operations that a call runs."""
    graph = tf.function(lambda images: layer(images, **how)).get_concrete_function(inputs).graph
    return {operation.type for operation in graph.get_operations()}


def test_values_gradients_and_moving_averages_are_those_of_keras():
    theirs, ours = (trained(layer, maps()) for layer in layers())
    assert len(theirs) == 6
    assert_same(theirs, ours)


def test_the_same_in_bfloat16():
    theirs, ours = (trained(layer, maps(tf.bfloat16)) for layer in layers(dtype="mixed_bfloat16"))
    assert ours[0].dtype == tf.bfloat16
    assert_same(theirs, ours, tolerance=2**-6)  # eight bits of mantissa, rounded a few times


def test_the_same_when_xla_compiles_it():
    layer, inputs = layers()[1], maps()
    plain = trained(layer, inputs)
    again = layers()[1]
    compiled = tf.function(lambda images: trained(again, images)[0], jit_compile=True)(inputs)
    assert_same([plain[0]], [compiled])


def test_training_is_one_operation():
    layer = layers()[1]
    assert "FusedBatchNormV3" in operations(layer, maps(), training=True)
    assert "SquaredDifference" not in operations(layer, maps(), training=True)


@pytest.mark.parametrize("training", [False, None])
def test_outside_of_training_it_is_keras_own(training):
    theirs, ours = layers()
    assert "FusedBatchNormV3" not in operations(ours, maps(), training=training)
    np.testing.assert_array_equal(
        ours(maps(), training=training), theirs(maps(), training=training)
    )


def test_a_frozen_layer_keeps_its_averages():
    theirs, ours = layers(trainable=False)
    before = ours.get_weights()
    np.testing.assert_array_equal(ours(maps(), training=True), theirs(maps(), training=True))
    for value, kept in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(value, kept)


@pytest.mark.parametrize(
    "settings", [{"axis": 1}, {"scale": False}, {"center": False}, {"renorm": True}]
)
def test_other_settings_are_left_to_keras(settings):
    kinds = keras.layers.BatchNormalization, FusedBatchNormalization
    theirs, ours = (kind(momentum=0.9, **settings) for kind in kinds)
    np.testing.assert_array_equal(ours(maps(), training=True), theirs(maps(), training=True))
    assert "FusedBatchNormV3" not in operations(ours, maps(), training=True)


def test_other_shapes_and_masks_are_left_to_keras():
    theirs, ours = (
        kind(momentum=0.9) for kind in (keras.layers.BatchNormalization, FusedBatchNormalization)
    )
    flat = tf.reshape(maps(), (-1, 3))
    mask = tf.constant(np.arange(len(flat)) % 3 > 0)
    for how in ({}, {"mask": mask}):
        np.testing.assert_array_equal(
            ours(flat, training=True, **how), theirs(flat, training=True, **how)
        )
    np.testing.assert_array_equal(ours.moving_mean, theirs.moving_mean)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_weights_of_another_type_are_left_to_keras(dtype):
    theirs, ours = layers(dtype=dtype)
    images = tf.cast(maps(), dtype)
    np.testing.assert_array_equal(
        tf.cast(ours(images, training=True), tf.float32),
        tf.cast(theirs(images, training=True), tf.float32),
    )
    assert "FusedBatchNormV3" not in operations(ours, images, training=True)


def test_a_batch_of_one_number_keeps_finite_averages():
    layer = FusedBatchNormalization()
    layer(tf.ones((1, 1, 1, 3)), training=True)
    assert np.isfinite(layer.moving_variance).all()


def test_a_saved_model_keeps_the_layer(tmp_path):
    image = keras.Input((5, 6, 3))
    model = keras.Model(image, layers()[1](image))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[-1]) is FusedBatchNormalization
    np.testing.assert_array_equal(loaded(maps()), model(maps()))
