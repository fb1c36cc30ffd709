"""What the tests share: a model for equal functions, and for no others."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.inference.compiled_function import CompiledFunction
from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.compiled_once import shared_conversions, shared_geometry
from tests.support.global_settings import global_setting
from tests.support.small_network import small_normaliser


def compiled(weight=2.0, summand=1.0, operator=tf.add):
    """A function with a layer's weight and a constant, whose names are new ones each time."""
    layer = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(weight)
    )
    layer.build((1, 1))
    return CompiledFunction(lambda x: (operator(layer(x), summand),), [(1,)])


@pytest.fixture
def models():
    with shared_conversions() as models:
        yield models


def test_equal_functions_share_a_model(models):
    first, second = compiled(), compiled()
    assert first._model is second._model and len(models) == 1
    np.testing.assert_array_equal(second(np.ones((2, 1))), [[[3], [3]]])


@pytest.mark.parametrize(
    ("changes", "answer"),
    [({"weight": 5.0}, 6), ({"summand": 4.0}, 6), ({"operator": tf.subtract}, 1)],
)
def test_other_weights_constants_and_operators_have_their_own(changes, answer, models):
    compiled()
    assert compiled(**changes)(np.ones((1, 1)))[0].item() == answer
    assert len(models) == 2


def test_the_order_of_operands_tells_functions_apart(models):
    one = compiled(operator=tf.subtract)
    other = compiled(operator=lambda x, y: tf.subtract(y, x))
    ones = np.ones((1, 1))
    assert (one(ones)[0].item(), other(ones)[0].item(), len(models)) == (1, -1, 2)


@pytest.fixture
def geometries():
    with shared_geometry() as geometries:
        yield geometries


def test_equal_face_models_share_their_geometry(geometries):
    first, second = small_normaliser(), small_normaliser()
    assert first.grid_model is not second.grid_model and len(geometries) == 1
    Normaliser(first.localiser, first.grid_model, "normals")
    Normaliser(first.localiser, first.grid_model, focal_length=2.0)
    moved = dataclasses.replace(first.grid_model, mean=first.grid_model.mean + 1)
    Normaliser(first.localiser, moved)
    assert len(geometries) == 4


@pytest.mark.parametrize("setting", ["mixed_float16", "floatx float64", "channels_first"])
def test_other_settings_of_keras_have_a_geometry_of_their_own(setting, geometries):
    normaliser = small_normaliser()
    with global_setting(setting):
        Normaliser(normaliser.localiser, normaliser.grid_model)
    assert len(geometries) == 2
