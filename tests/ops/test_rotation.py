import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.ops import axis_angle_to_matrix, rotate_points
from tests.support import naive
from tests.support.gradients import (
    assert_gradient_agrees_with_autodiff,
    assert_gradient_is_correct,
    gradients_of,
)

# Zero, nearly zero, both sides of the Taylor switch at 0.1, ordinary, and whole and half turns.
ANGLES = [0.0, 1e-9, 1e-4, 0.0999, 0.1001, 1.0, np.pi, 2 * np.pi, 8.0]

FLOAT32_EPS = np.finfo(np.float32).eps


def axis_angles_of(angle, rng, count=4):
    axes = rng.normal(size=(count, 3))
    return angle * axes / np.linalg.norm(axes, axis=-1, keepdims=True)


def matrices_by_the_paper(axis_angle):
    """R = cos θ I + sin θ [r̄]× + (1 − cos θ) r̄ r̄ᵀ in plain TensorFlow; θ is not 0."""
    angle = tf.norm(axis_angle, axis=-1, keepdims=True)
    axis = axis_angle / angle
    x, y, z = tf.unstack(axis, axis=-1)
    zero = tf.zeros_like(x)
    cross = tf.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
    cross = tf.reshape(cross, (*axis.shape, 3))
    outer = axis[..., :, None] * axis[..., None, :]
    cos, sin = tf.cos(angle)[..., None], tf.sin(angle)[..., None]
    return cos * tf.eye(3, dtype=axis.dtype) + sin * cross + (1 - cos) * outer


@pytest.mark.parametrize("angle", ANGLES)
def test_matrix_is_that_of_the_paper(angle, rng):
    axis_angle = axis_angles_of(angle, rng)
    expected = [naive.rotation_matrix(r) for r in axis_angle]
    # The first term that the series leaves out is 3e-14 at the switch.
    np.testing.assert_allclose(axis_angle_to_matrix(tf.constant(axis_angle)), expected, atol=1e-13)


def test_no_rotation_is_exactly_the_identity():
    np.testing.assert_array_equal(axis_angle_to_matrix(tf.zeros((1, 3)))[0], np.eye(3))


@pytest.mark.parametrize("angle", ANGLES)
def test_matrix_is_a_rotation_to_float32_precision(angle, rng):
    axis_angle = tf.constant(axis_angles_of(angle, rng, count=50), tf.float32)
    rotation = np.asarray(axis_angle_to_matrix(axis_angle), np.float64)
    product = rotation @ rotation.swapaxes(-1, -2)
    # Sums of three (six) products of numbers that carry a few roundings each.
    tolerance = 16 * FLOAT32_EPS
    identity = np.broadcast_to(np.eye(3), product.shape)
    np.testing.assert_allclose(product, identity, atol=tolerance)
    np.testing.assert_allclose(np.linalg.det(rotation), 1, atol=tolerance)


@pytest.mark.parametrize("angle", ANGLES)
def test_float32_keeps_its_precision(angle, rng):
    axis_angle = axis_angles_of(angle, rng, count=50).astype(np.float32)
    cotangent = rng.normal(size=(50, 3, 3)).astype(np.float32)
    single, double = tf.constant(axis_angle), tf.constant(axis_angle, tf.float64)
    # The angle carries a few roundings of its own size, and the cotangent is a few long.
    tolerance = 4 * FLOAT32_EPS * (1 + angle)
    difference = axis_angle_to_matrix(single) - tf.cast(axis_angle_to_matrix(double), tf.float32)
    np.testing.assert_allclose(difference, np.zeros((50, 3, 3)), atol=tolerance)
    (gradient,) = gradients_of(axis_angle_to_matrix, single, cotangent=cotangent)
    (expected,) = gradients_of(
        axis_angle_to_matrix, double, cotangent=tf.constant(cotangent, tf.float64)
    )
    np.testing.assert_allclose(gradient, expected, atol=4 * tolerance)


@pytest.mark.parametrize("angle", ANGLES)
def test_gradient(angle, rng):
    assert_gradient_is_correct(axis_angle_to_matrix, axis_angles_of(angle, rng, count=2))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("angle", [0.0, np.pi, -np.pi, 2 * np.pi])
def test_gradient_along_the_axes_of_the_frame(angle, axis):
    assert_gradient_is_correct(axis_angle_to_matrix, angle * np.eye(3)[axis])


@pytest.mark.parametrize("angle", ANGLES)
def test_gradient_is_the_published_derivative(angle, rng):
    (r,) = axis_angles_of(angle, rng, count=1)
    written = np.empty((3, 3, 3))
    for row, column in np.ndindex(3, 3):
        one = np.zeros((3, 3))
        one[row, column] = 1
        (written[:, row, column],) = gradients_of(
            axis_angle_to_matrix, tf.constant(r), cotangent=tf.constant(one)
        )
    # The published quotient itself loses digits when the angle is small: eps / θ.
    lost = 4 * np.finfo(np.float64).eps / angle if angle else 0
    np.testing.assert_allclose(written, naive.rotation_derivative(r), atol=1e-13 + lost)


@pytest.mark.parametrize("angle", [0.0999, 0.1001, 1.0, np.pi, 8.0])
def test_gradient_agrees_with_autodiff(angle, rng):
    assert_gradient_agrees_with_autodiff(
        axis_angle_to_matrix, matrices_by_the_paper, axis_angles_of(angle, rng), rng=rng
    )


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64])
def test_tiny_vectors_give_finite_gradients_in_every_dtype(dtype):
    tiny = tf.constant([[0.0, 0.0, 0.0], [1e-30, 0.0, 0.0], [1e-7, 1e-7, -1e-7]], dtype)
    (gradient,) = gradients_of(axis_angle_to_matrix, tiny)
    assert np.isfinite(gradient).all()


def test_no_intermediate_is_undefined_at_zero():
    tf.debugging.enable_check_numerics()
    try:
        gradients_of(axis_angle_to_matrix, tf.zeros((1, 3)))
    finally:
        tf.debugging.disable_check_numerics()


def test_opposite_vectors_undo_each_other(rng):
    axis_angle = tf.constant(axis_angles_of(1.3, rng))
    product = axis_angle_to_matrix(axis_angle) @ axis_angle_to_matrix(-axis_angle)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), (4, 3, 3)), atol=1e-14)


def test_rotated_points_are_those_of_the_paper(rng):
    points, rotation = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 3, 3))
    expected = [naive.rotate_points(x, m) for x, m in zip(points, rotation, strict=True)]
    rotated = rotate_points(tf.constant(points), tf.constant(rotation))
    np.testing.assert_allclose(rotated, expected, atol=1e-14)


def test_gradient_of_rotated_points(rng):
    assert_gradient_is_correct(
        rotate_points, rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 3, 3))
    )


def test_gradient_of_rotated_points_agrees_with_autodiff(rng):
    def plain(points, rotation):
        return tf.einsum("bij,bnj->bni", rotation, points)  # b: batch, n: point, i, j: axis

    points, rotation = rng.normal(size=(2, 50, 3)), rng.normal(size=(2, 3, 3))
    assert_gradient_agrees_with_autodiff(rotate_points, plain, points, rotation, rng=rng)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
@pytest.mark.parametrize("angle", [0.0, 0.05, 3.0, 300.0, 3e4])
def test_half_precision_rotates_as_float32(dtype, angle):
    r = tf.cast([[0.6 * angle, 0.0, 0.8 * angle]], dtype)
    with tf.GradientTape() as tape:
        tape.watch(r)
        rotation = axis_angle_to_matrix(r)
        turned = tf.reduce_sum(rotation[:, 0])
    exact = axis_angle_to_matrix(tf.cast(r, tf.float32))
    gradient = tape.gradient(turned, r)
    assert rotation.dtype == gradient.dtype == dtype
    assert np.isfinite(tf.cast(gradient, tf.float32)).all()
    # A number of at most 1 is rounded by half of the dtype's epsilon.
    epsilon = {tf.float16: 2**-10, tf.bfloat16: 2**-7}[dtype]
    np.testing.assert_allclose(tf.cast(rotation, tf.float32), exact, rtol=0, atol=epsilon / 2)
