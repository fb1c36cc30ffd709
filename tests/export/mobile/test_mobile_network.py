"""The network of a phone against the ops that it stands for."""

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import ops
from keras_3dmmstn.export.mobile.mobile_network import (
    masked_samples,
    placed,
    scaled_rotation,
    surface,
    visibility,
)
from keras_3dmmstn.export.mobile.surface_factors import factorise_basis
from keras_3dmmstn.mesh.synthetic import toy_grid_model

POSES = [[0, 0, 0], [1e-8, 0, 0], [0.3, -0.8, 0.2], [0, np.pi, 0], [0, 0, -3.0]]


def parameters(r, modes, rng):
    alpha = rng.normal(size=modes)
    return tf.constant([[*r, 31.0, 17.0, -0.7, *alpha]], tf.float32)


@pytest.mark.parametrize("r", POSES)
def test_the_scaled_rotation_is_that_of_the_op(r, rng):
    theta = parameters(r, 2, rng)
    rotation = ops.axis_angle_to_matrix(theta[:, :3])[0]
    for rows in (2, 3):
        expected = np.exp(-0.7) * rotation[:rows]
        np.testing.assert_allclose(scaled_rotation(theta, rows), expected, atol=1e-6)


def test_points_and_visibility_are_those_of_the_ops(rng):
    model = toy_grid_model((13, 10))
    theta = parameters([0.3, -0.8, 0.2], model.modes, rng)
    shape = ops.shape_from_coefficients(theta[:, 6:], model.mean, model.basis)
    rotated = ops.rotate_points(shape, ops.axis_angle_to_matrix(theta[:, :3]))
    expected = np.exp(-0.7) * rotated[0, :, :2] + [31, 17]

    points = placed(surface(theta, model, factorise_basis(model, 13)), theta)
    np.testing.assert_allclose(tf.transpose(points), expected, atol=1e-3)
    mask = ops.self_occlusion_mask(rotated, (13, 10)).numpy().ravel()
    assert 0 < mask.mean() < 1
    np.testing.assert_array_equal(visibility(points, (13, 10))[0], mask)


def test_samples_are_those_of_the_op_also_at_and_beyond_the_border(rng):
    image = tf.constant(rng.uniform(0, 255, (1, 6, 9, 3)), tf.float32)
    edge = [-9, -1, -0.25, 0, 4.0, 4.5, 5, 5.5, 6, 7.5, 8, 8.75, 9, 99]
    x, y = (axis.ravel() for axis in np.meshgrid(edge, edge))
    points = tf.constant(np.stack([x, y]), tf.float32)
    visible = tf.constant(np.arange(x.size) % 3 > 0, tf.float32)
    expected = ops.sample_bilinear(image, tf.transpose(points)[None])[0] * visible[:, None]
    np.testing.assert_allclose(masked_samples(image, points, visible), expected, atol=1e-4)
