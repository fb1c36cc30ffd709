"""What the tests share: a model for equal functions, and for no others."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.inference.compiled_function import CompiledFunction
from tests.support.shared_conversions import shared_conversions


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
