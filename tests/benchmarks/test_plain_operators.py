"""The plain operators are the same functions as ours, in value and gradient."""

import numpy as np
import plain_operators as plain
import pytest
import tensorflow as tf

from keras_3dmmstn import ops
from tests.support.gradients import gradients_of

ROWS, COLUMNS, MODES = 6, 5, 3
POINTS = ROWS * COLUMNS


def inputs_of(rng):
    """Name to what is differentiated, and to further arguments."""
    points, vertices = rng.uniform(-1, 8, (2, POINTS, 2)), rng.normal(size=(2, POINTS, 3))
    mean, basis = rng.normal(size=(POINTS, 3)), rng.normal(size=(MODES, POINTS, 3))
    image, grid = rng.uniform(size=(2, 7, 8, 3)), points.reshape(2, ROWS, COLUMNS, 2)
    candidates, directions = rng.normal(size=(2, 4, 3, 2)), rng.normal(size=(2, 4, 2))
    shift, place = rng.normal(size=(2, 2)), rng.normal(size=(2, 3)) + [0, 0, 100]
    scale, focal_length = rng.uniform(1, 2, (2, 1)), rng.uniform(500, 600, (2, 1))
    indices = np.array([3, 3, 9], np.int32)
    return {
        "axis_angle_to_matrix": ([rng.normal(size=(2, 3))], []),
        "shape_from_coefficients": ([rng.normal(size=(2, MODES))], [mean, basis]),
        "rotate_points": ([vertices, rng.normal(size=(2, 3, 3))], []),
        "project_orthographic": ([vertices], []),
        "log_scale_to_scale": ([rng.normal(size=(2, 1))], []),
        "scale_points": ([points, rng.normal(size=(2, 1))], []),
        "translate_points": ([points, rng.normal(size=(2, 2))], []),
        "translation_to_3d": ([shift, scale, focal_length, shift[::-1]], []),
        "project_perspective": ([vertices, place, focal_length, shift], []),
        "select_points": ([points], [indices]),
        "select_outermost": ([candidates], [directions]),
        "points_to_grid": ([points], [(ROWS, COLUMNS)]),
        "sample_bilinear": ([image, grid], []),
        "mask_texture": ([image], [image[..., :1]]),
    }


@pytest.mark.parametrize("name", list(inputs_of(np.random.default_rng(0))))
def test_value_and_gradient_are_ours(name, rng):
    inputs, constants = inputs_of(rng)[name]
    inputs = [x.astype("float32") for x in inputs]
    constants = [
        c.astype("float32") if getattr(c, "dtype", None) == np.float64 else c for c in constants
    ]

    def call(module):
        function = getattr(module, name)
        return lambda *x: function(*map(tf.convert_to_tensor, x), *constants)

    ours, theirs = call(ops), call(plain)
    plain.assert_same(ours(*inputs), theirs(*inputs), tolerance=1e-6)
    plain.assert_same(gradients_of(ours, *inputs), gradients_of(theirs, *inputs), tolerance=1e-5)


def test_mask_and_parts_are_ours(rng):
    vertices = tf.constant(rng.normal(size=(2, POINTS, 3)), tf.float32)
    plain.assert_same(
        ops.self_occlusion_mask(vertices, (ROWS, COLUMNS)),
        plain.self_occlusion_mask(vertices, (ROWS, COLUMNS)),
        tolerance=0,
    )
    theta = tf.constant(rng.normal(size=(2, 6 + MODES)), tf.float32)
    plain.assert_same(ops.split_parameters(theta), plain.split_parameters(theta), tolerance=0)


def test_what_differs_is_refused():
    with pytest.raises(AssertionError, match=r"differ by 0\.1 of 1"):
        plain.assert_same([np.ones(3)], [np.full(3, 1.1)])
    with pytest.raises(AssertionError, match="shapes"):
        plain.assert_same(np.ones(3), np.ones(2))
