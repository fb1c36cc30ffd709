import math
import re

import numpy as np
import tensorflow as tf

from keras_3dmmstn.ops import shape_from_coefficients
from tests.support import naive
from tests.support.gradients import (
    assert_gradient_agrees_with_autodiff,
    assert_gradient_is_correct,
    gradients_of,
)


def test_shapes_are_those_of_the_paper(rng):
    alpha, mean, basis = (
        rng.normal(size=(3, 4)),
        rng.normal(size=(5, 3)),
        rng.normal(size=(4, 5, 3)),
    )
    expected = [naive.shape_from_coefficients(a, mean, basis) for a in alpha]
    shape = shape_from_coefficients(tf.constant(alpha), tf.constant(mean), tf.constant(basis))
    np.testing.assert_allclose(shape, expected, atol=1e-14)


def test_no_coefficients_give_the_mean(rng):
    mean, basis = tf.constant(rng.normal(size=(5, 3))), tf.constant(rng.normal(size=(4, 5, 3)))
    shape = shape_from_coefficients(tf.zeros((2, 4), tf.float64), mean, basis)
    np.testing.assert_array_equal(shape, [mean, mean])


def test_one_standard_deviation_adds_one_basis_vector(rng):
    mean, basis = tf.constant(rng.normal(size=(5, 3))), tf.constant(rng.normal(size=(4, 5, 3)))
    shape = shape_from_coefficients(tf.eye(4, dtype=tf.float64), mean, basis)
    np.testing.assert_allclose(shape, mean + basis, atol=1e-15)


def test_gradient(rng):
    assert_gradient_is_correct(
        shape_from_coefficients,
        rng.normal(size=(2, 3)),
        rng.normal(size=(4, 3)),
        rng.normal(size=(3, 4, 3)),
    )


def test_gradient_agrees_with_autodiff(rng):
    def plain(alpha, mean, basis):
        return mean + tf.einsum("bk,knx->bnx", alpha, basis)  # b: batch, k: mode, n: point

    alpha, mean = rng.normal(size=(5, 7)), rng.normal(size=(30, 3))
    basis = rng.normal(size=(7, 30, 3))
    assert_gradient_agrees_with_autodiff(
        shape_from_coefficients, plain, alpha, mean, basis, rng=rng
    )


def test_gradient_to_the_model_sums_over_the_batch(rng):
    alpha = tf.constant([[1.0], [10.0]])
    mean, basis = tf.zeros((2, 3)), tf.zeros((1, 2, 3))
    cotangent = tf.constant(rng.normal(size=(2, 2, 3)), tf.float32)
    _, to_mean, to_basis = gradients_of(
        shape_from_coefficients, alpha, mean, basis, cotangent=cotangent
    )
    np.testing.assert_allclose(to_mean, cotangent[0] + cotangent[1], rtol=1e-6)
    np.testing.assert_allclose(to_basis[0], cotangent[0] + 10 * cotangent[1], rtol=1e-6)


def test_a_step_reads_the_basis_where_it_lies(rng):
    alpha, mean = tf.constant(rng.normal(size=(3, 7))), tf.constant(rng.normal(size=(30, 3)))
    basis = tf.Variable(rng.normal(size=(7, 30, 3)))

    @tf.function(jit_compile=True)
    def step(alpha):
        with tf.GradientTape() as tape:
            tape.watch(alpha)
            shape = shape_from_coefficients(alpha, mean, tf.convert_to_tensor(basis))
            loss = tf.reduce_sum(shape**2)
        return tape.gradient(loss, alpha)

    program = step.experimental_get_compiler_ir(alpha)(stage="optimized_hlo")
    results = re.findall(r"= f64\[([\d,]+)\]\S* ([\w-]+)\(", program)
    as_large = {what for shape, what in results if math.prod(map(int, shape.split(","))) == 630}
    assert as_large == {"parameter", "bitcast"}, "a bitcast is another name for the same memory"
