"""The optimiser: the last layer's own learning rate, schedules, weight decay."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import build_localiser
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.optimisation import build_optimiser, learning_rate
from keras_3dmmstn.training.recipes import recipe


@pytest.fixture
def localiser():
    backbone = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(2, 3, name="first"),
            keras.layers.Flatten(),
        ]
    )
    return build_localiser(backbone, toy_grid_model((16, 16)), 8)


def weights_after_one_step(localiser, config):
    """The change of each weight by a gradient of ones, by name."""
    variables = localiser.trainable_variables
    for variable in variables:
        variable.assign(tf.ones_like(variable))
    optimiser = build_optimiser(config, steps=10)
    optimiser.apply([tf.ones_like(variable) for variable in variables], variables)
    return {variable.path.split("/", 1)[-1]: variable.numpy() - 1 for variable in variables}


def test_the_last_layer_learns_four_and_eight_times_as_fast(localiser):
    config = TrainingConfig(learning_rate=1e-3, weight_decay=0.0)
    change = weights_after_one_step(localiser, config)
    head = [value for name, value in change.items() if "first" not in name]
    first = [value for name, value in change.items() if "first" in name]
    assert len(first) == 2 and len(head) == 2
    for value in first:
        np.testing.assert_allclose(value, -1e-3, rtol=1e-4)
    kernel, bias = sorted(head, key=lambda value: -value.ndim)
    np.testing.assert_allclose(kernel, -4e-3, rtol=1e-4)
    np.testing.assert_allclose(bias, -8e-3, rtol=1e-4)


def test_the_last_layer_s_bias_has_no_weight_decay(localiser):
    still = weights_after_one_step(localiser, TrainingConfig(learning_rate=1e-2, weight_decay=0.0))
    decayed = weights_after_one_step(
        localiser, TrainingConfig(learning_rate=1e-2, weight_decay=0.5)
    )
    for name, value in still.items():
        # Ones shrink by learning rate × decay, before the gradient's step.
        rate = {"first": 1.0, "kernel": 4.0, "bias": 0.0}
        factor = rate["first"] if "first" in name else rate[name.split("/")[-1]]
        np.testing.assert_allclose(
            decayed[name] - value, -factor * 1e-2 * 0.5, rtol=1e-3, atol=1e-6
        )


def test_equal_rates_make_one_optimiser():
    assert isinstance(build_optimiser(recipe("compact"), 10), keras.optimizers.AdamW)
    assert isinstance(build_optimiser(recipe("paper"), 10), keras.optimizers.MultiOptimizer)
    config = replace(recipe("paper"), head_kernel_rate=1.0, head_bias_rate=1.0)
    optimiser = build_optimiser(config, 10)
    assert isinstance(optimiser, keras.optimizers.SGD) and optimiser.momentum == 0.9


def test_schedules():
    constant = TrainingConfig(learning_rate=2.0, schedule="constant", warm_up=0.0)
    assert learning_rate(constant, 100) == 2.0 and learning_rate(constant, 100, rate=4.0) == 8.0

    cosine = learning_rate(replace(constant, schedule="cosine"), 100)
    values = [float(cosine(step)) for step in (0, 50, 100)]
    np.testing.assert_allclose(values, [2, 1, 0], atol=1e-6)

    warm = learning_rate(replace(constant, schedule="cosine", warm_up=0.2), 100, rate=3.0)
    values = [float(warm(step)) for step in (0, 10, 20, 60, 100)]
    np.testing.assert_allclose(values, [0.06, 3.03, 6, 3, 0], atol=1e-5)

    rising = learning_rate(replace(constant, warm_up=0.2), 100)
    values = [float(rising(step)) for step in (0, 10, 20, 60, 100)]
    np.testing.assert_allclose(values, [0.02, 1.01, 2, 2, 2], atol=1e-5)


def test_a_face_model_that_learns_has_its_own_rate_and_no_decay(localiser):
    config = replace(recipe("compact"), face_model_rate=0.02, schedule="constant", warm_up=0.0)
    with keras.name_scope("morphable_model"):
        face = keras.Variable(np.ones(3), name="mean", dtype="float32")
    optimiser = build_optimiser(replace(config, learning_rate=1e-3, weight_decay=0.5), 10)
    other = keras.Variable(np.ones(3), name="kernel", dtype="float32")
    optimiser.build([face, other])
    optimiser.apply([np.ones(3, np.float32)] * 2, [face, other])
    np.testing.assert_allclose(face.numpy(), 1 - 0.02, rtol=1e-4)
    np.testing.assert_allclose(other.numpy(), 1 - 1e-3 * 0.5 - 1e-3, rtol=1e-4)
