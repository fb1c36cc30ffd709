import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.ops import split_parameters
from tests.support.gradients import assert_gradient_agrees_with_autodiff, assert_gradient_is_correct


def test_parts_are_the_slices_of_the_vector(rng):
    theta = rng.normal(size=(2, 10))
    r, t, log_scale, alpha = split_parameters(tf.constant(theta))
    np.testing.assert_array_equal(r, theta[:, 0:3])
    np.testing.assert_array_equal(t, theta[:, 3:5])
    np.testing.assert_array_equal(log_scale, theta[:, 5:6])
    np.testing.assert_array_equal(alpha, theta[:, 6:10])


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_gradient_of_each_part(part, rng):
    assert_gradient_is_correct(lambda theta: split_parameters(theta)[part], rng.normal(size=(2, 9)))


def test_gradient_agrees_with_autodiff(rng):
    def joined(theta):
        r, t, log_scale, alpha = split_parameters(theta)
        return tf.concat([alpha**2, r, log_scale, 3 * t], axis=-1)

    def plain(theta):
        r, t, log_scale, alpha = tf.split(theta, [3, 2, 1, 4], axis=-1)
        return tf.concat([alpha**2, r, log_scale, 3 * t], axis=-1)

    assert_gradient_agrees_with_autodiff(joined, plain, rng.normal(size=(2, 10)), rng=rng)
