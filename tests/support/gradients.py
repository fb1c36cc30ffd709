"""Two independent checks of a hand-written gradient, both in float64."""

import numpy as np
import tensorflow as tf


def assert_gradient_is_correct(function, *inputs, step=1e-4, atol=1e-7):
    """Compares the hand-written Jacobian with central differences.

    The check goes to the op, not to its layer: a Keras layer would cast the
    inputs to float32, where differences cannot resolve a wrong term.

    The tolerance holds for values and third derivatives of up to about 20: central differences
    are off by step² / 6 times the third derivative, and by eps / step times the value.

    Args:
        function: from tensors to one tensor.
        inputs: arrays, each of which is differentiated.
    """
    inputs = [tf.constant(x, tf.float64) for x in inputs]
    written, numeric = tf.test.compute_gradient(function, inputs, delta=step)
    for position, (w, n) in enumerate(zip(written, numeric, strict=True)):
        np.testing.assert_allclose(w, n, rtol=0, atol=atol, err_msg=f"input {position}")


def assert_gradient_agrees_with_autodiff(function, plain, *inputs, rng, rtol=1e-10):
    """Compares the hand-written gradient with that of plain code, for a random cotangent.

    Unlike differences it resolves wrong digits, not only wrong terms: 1e-10 is float64 eps times
    1e6, for sums of some thousand products.

    Args:
        function: the op with the hand-written gradient.
        plain: the same function in ordinary TensorFlow operations.
        inputs: arrays, each of which is differentiated.
        rng: a `numpy.random.Generator`.
    """
    inputs = [tf.constant(x, tf.float64) for x in inputs]
    value = plain(*inputs)
    np.testing.assert_allclose(function(*inputs), value, rtol=rtol, atol=rtol)
    cotangent = tf.constant(rng.normal(size=value.shape), tf.float64)
    written = gradients_of(function, *inputs, cotangent=cotangent)
    expected = gradients_of(plain, *inputs, cotangent=cotangent)
    for position, (w, e) in enumerate(zip(written, expected, strict=True)):
        np.testing.assert_allclose(w, e, rtol=rtol, atol=rtol, err_msg=f"input {position}")


def gradients_of(function, *inputs, cotangent=None):
    """Returns the gradient of ⟨cotangent, function(inputs)⟩ to each input, as arrays.

    Without a cotangent it is that of the sum of the output. An input that has no gradient at all
    fails: zeros are an answer, None is not.
    """
    inputs = [tf.convert_to_tensor(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(*inputs)
    gradients = tape.gradient(value, inputs, cotangent)
    assert all(gradient is not None for gradient in gradients), "an input has no gradient"
    return [np.asarray(tf.convert_to_tensor(g)) for g in gradients]
