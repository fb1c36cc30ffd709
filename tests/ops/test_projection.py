import math

import numpy as np
import tensorflow as tf

from keras_3dmmstn.ops import (
    log_scale_to_scale,
    project_orthographic,
    scale_points,
    select_points,
    translate_points,
)
from tests.support import naive
from tests.support.gradients import (
    assert_gradient_agrees_with_autodiff,
    assert_gradient_is_correct,
    gradients_of,
)


def test_projection_drops_z():
    projected = project_orthographic(tf.constant([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]))
    np.testing.assert_array_equal(projected, [[[1, 2], [4, 5]]])


def test_gradient_of_projection(rng):
    assert_gradient_is_correct(project_orthographic, rng.normal(size=(2, 4, 3)))


def test_gradient_of_projection_passes_to_x_and_y_only():
    cotangent = tf.constant([[[7.0, 8.0]]])
    (gradient,) = gradients_of(project_orthographic, tf.ones((1, 1, 3)), cotangent=cotangent)
    np.testing.assert_array_equal(gradient, [[[7, 8, 0]]])


def test_scale_is_the_exponential_of_the_log_scale():
    scale = log_scale_to_scale(tf.constant([[0.5], [-2.0]], tf.float64))
    np.testing.assert_allclose(scale, [[math.exp(0.5)], [math.exp(-2)]], rtol=1e-15)


def test_gradient_of_scale(rng):
    assert_gradient_is_correct(log_scale_to_scale, rng.normal(size=(4, 1)))
    assert_gradient_agrees_with_autodiff(
        log_scale_to_scale, tf.exp, rng.normal(size=(4, 1)), rng=rng
    )


def test_points_are_multiplied_by_the_scale():
    points = tf.constant([[[1.0, 2.0]], [[3.0, 4.0]]])
    scaled = scale_points(points, tf.constant([[10.0], [100.0]]))
    np.testing.assert_array_equal(scaled, [[[10, 20]], [[300, 400]]])


def test_gradient_of_scaled_points(rng):
    points, scale = rng.normal(size=(2, 4, 2)), rng.uniform(0.5, 2, (2, 1))
    assert_gradient_is_correct(scale_points, points, scale)
    assert_gradient_agrees_with_autodiff(
        scale_points, lambda y, s: s[:, :, None] * y, points, scale, rng=rng
    )


def test_translation_is_added_to_every_point():
    points = tf.constant([[[1.0, 2.0], [3.0, 4.0]]])
    moved = translate_points(points, tf.constant([[10.0, 20.0]]))
    np.testing.assert_array_equal(moved, [[[11, 22], [13, 24]]])


def test_gradient_of_translated_points(rng):
    points, translation = rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 2))
    assert_gradient_is_correct(translate_points, points, translation)
    assert_gradient_agrees_with_autodiff(
        translate_points, lambda y, t: y + t[:, None], points, translation, rng=rng
    )


def test_whole_camera_is_that_of_the_paper(rng):
    points, rotation = rng.normal(size=(5, 3)), rng.normal(size=(3, 3))
    projected = project_orthographic(tf.constant([naive.rotate_points(points, rotation)]))
    scaled = scale_points(projected, log_scale_to_scale(tf.constant([[0.7]], tf.float64)))
    image_points = translate_points(scaled, tf.constant([[30.0, -20.0]], tf.float64))
    expected = naive.camera(points, rotation, translation=[30.0, -20.0], log_scale=0.7)
    np.testing.assert_allclose(image_points[0], expected, rtol=1e-14)


def test_selection_is_that_of_the_paper(rng):
    points = rng.normal(size=(2, 6, 2))
    selected = select_points(tf.constant(points), tf.constant([4, 0, 5]))
    expected = [naive.select_points(one, [4, 0, 5]) for one in points]
    np.testing.assert_array_equal(selected, expected)


def test_selection_works_on_3d_points(rng):
    points = rng.normal(size=(2, 6, 3))
    selected = select_points(tf.constant(points), tf.constant([4, 1]))
    np.testing.assert_array_equal(selected, points[:, [4, 1]])


def test_gradient_of_selection(rng):
    indices = tf.constant([4, 0, 4, 2, 4])  # 1 and 3 are not selected, 4 is three times
    points = rng.normal(size=(2, 5, 2))
    assert_gradient_is_correct(lambda p: select_points(p, indices), points)
    assert_gradient_agrees_with_autodiff(
        lambda p: select_points(p, indices),
        lambda p: tf.gather(p, indices, axis=1),
        points,
        rng=rng,
    )


def test_a_point_selected_twice_receives_both_gradients():
    cotangent = tf.constant([[[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]])
    (gradient,) = gradients_of(
        lambda points: select_points(points, tf.constant([1, 0, 1])),
        tf.zeros((1, 3, 2)),
        cotangent=cotangent,
    )
    np.testing.assert_array_equal(gradient, [[[10, 20], [101, 202], [0, 0]]])
