"""Gauss-Newton for a face model under weak perspective."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.training.fitting.weak_perspective import (
    WeakPerspective,
    first_pose,
    gauss_newton,
    gauss_newton_step,
    projection_jacobian,
)


def turn(*vector):
    return cv2.Rodrigues(np.array(vector, float))[0]


@pytest.fixture
def mean(rng):
    return rng.normal(size=(12, 3)) * [60, 80, 40]


def test_the_first_pose_of_an_unchanged_shape_is_its_own(mean):
    rotation, shift = turn(0.3, -0.4, 0.2), np.array([120.0, 80.0])
    found = first_pose(mean, 0.7 * (mean @ rotation.T)[:, :2] + shift)
    for value, expected in zip(found, (rotation, 0.7, shift), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-9)


def test_the_first_pose_never_shows_the_back_of_the_head(mean):
    flipped = (mean @ turn(0, 2.5, 0).T)[:, :2]
    np.testing.assert_array_equal(first_pose(mean, flipped)[0], np.eye(3))


def test_the_jacobian_is_that_of_the_projection(mean, rng):
    basis, rotation, scale = rng.normal(size=(4, 12, 3)), turn(0.3, -0.4, 0.2), 0.7

    def projected(change):
        turned = (mean + np.tensordot(change[6:], basis, 1)) @ (turn(*change[:3]) @ rotation).T
        return scale * np.exp(change[5]) * turned[:, :2] + change[3:5]

    written = projection_jacobian(mean @ rotation.T, basis, rotation, scale)
    for column, change in enumerate(np.eye(10) * 1e-5):
        numeric = (projected(change) - projected(-change)) / 2e-5
        np.testing.assert_allclose(written[..., column], numeric, atol=1e-6)


def test_a_step_reaches_the_lowest_point_of_a_linear_problem(rng):
    jacobian, residual = rng.normal(size=(30, 9)) * 10, rng.normal(size=30)
    alpha = rng.normal(size=3)
    step = gauss_newton_step(jacobian, residual, alpha)
    gradient = jacobian.T @ (residual + jacobian @ step)
    gradient[6:] += alpha + step[6:]
    np.testing.assert_allclose(gradient, 0, atol=1e-5)


def test_a_turn_is_never_larger_than_a_third_of_a_radian(rng):
    jacobian = rng.normal(size=(30, 9))
    step = gauss_newton_step(jacobian, 100 * jacobian[:, 0], np.zeros(3))
    assert np.linalg.norm(step[:3]) == pytest.approx(0.3)


def test_the_scale_never_grows_by_more_than_a_factor(rng):
    jacobian = rng.normal(size=(30, 9))
    for sign in (1, -1):
        step = gauss_newton_step(jacobian, -sign * 100 * jacobian[:, 5], np.zeros(3))
        assert step[5] == pytest.approx(sign * 0.5)


def test_many_faces_are_solved_like_each_alone(mean, rng):
    jacobian, residual = rng.normal(size=(2, 3, 30, 9)), rng.normal(size=(2, 3, 30))
    alpha, basis = rng.normal(size=(2, 3, 3)), rng.normal(size=(4, 12, 3))
    steps = gauss_newton_step(jacobian, residual, alpha)
    rotations = np.array([[turn(*rng.normal(size=3)) for _ in range(3)] for _ in range(2)])
    scale = rng.uniform(0.5, 2, (2, 3))
    turned = mean @ np.swapaxes(rotations, -1, -2)
    jacobians = projection_jacobian(turned, basis, rotations, scale)
    for k in np.ndindex(2, 3):
        alone = gauss_newton_step(jacobian[k], residual[k], alpha[k])
        np.testing.assert_allclose(steps[k], alone, atol=1e-12)
        alone = projection_jacobian(turned[k], basis, rotations[k], scale[k])
        np.testing.assert_allclose(jacobians[k], alone, atol=1e-12)


def test_shape_and_pose_of_several_faces_are_found_from_their_points(mean, rng):
    basis = rng.normal(size=(2, 12, 3)) * 5
    true = WeakPerspective(
        np.stack([turn(0.1, 0.5, 0.2), turn(-0.2, -0.6, 0.1)]),
        np.array([0.7, 1.9]),
        np.array([[120.0, 80.0], [-30.0, 60.0]]),
        np.array([[1.0, -0.5], [-1.2, 0.8]]),
    )
    points = true.projected(true.turned(mean, basis))
    for face, expected in enumerate(points):
        shape = mean + np.tensordot(true.coefficients[face], basis, 1)
        image = true.scale[face] * (shape @ true.rotation[face].T)[:, :2] + true.shift[face]
        np.testing.assert_allclose(expected, image)

    def linearised(faces):
        turned = faces.turned(mean, basis)
        jacobian = projection_jacobian(turned, basis, faces.rotation, faces.scale)
        deviation = 1e-3  # next to it the prior |α|² is nothing
        return (
            (faces.projected(turned) - points).reshape(2, -1) / deviation,
            jacobian.reshape(2, 24, -1) / deviation,
        )

    start = WeakPerspective(
        np.stack([np.eye(3)] * 2), np.ones(2), points.mean(axis=1), np.zeros((2, 2))
    )
    found = gauss_newton(start, linearised, 30)
    for name, value in vars(found).items():
        np.testing.assert_allclose(value, getattr(true, name), atol=1e-4, err_msg=name)
