"""Smoothing: what it does to noise, motion, rotations and uneven times."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from keras_3dmmstn.inference.video.sighting import Sighting
from keras_3dmmstn.inference.video.smoothing import Smoothing
from keras_3dmmstn.mesh import GridModel

TIMES = (1.0, 1.04, 1.08)


@pytest.fixture(scope="module")
def model():
    return GridModel.bundled()


@pytest.fixture(scope="module")
def smoothing(model):
    return Smoothing(model)


def sighting(model, rotation=(0.1, -0.2, 0.05), translation=(200, 150), log_scale=0.5, **shape):
    """A face whose coefficients are 0 but for those that are given as `mode_K`."""
    theta = np.zeros(6 + model.modes)
    theta[:3], theta[3:5], theta[5] = rotation, translation, log_scale
    for name, value in shape.items():
        theta[6 + int(name.removeprefix("mode_"))] = value
    vertices = model.mean + np.tensordot(theta[6:], model.basis, 1)
    points = np.exp(log_scale) * Rotation.from_rotvec(theta[:3]).apply(vertices)[:, :2]
    landmarks = points[model.landmarks["ibug68"]] + theta[3:5]
    return Sighting(theta, landmarks, np.eye(2, 3), 0.9)


def test_a_still_face_becomes_the_mean_of_three(model, smoothing):
    faces = [sighting(model, translation=(200 + d, 150), mode_0=d) for d in (-0.01, 0.02, 0.0)]
    theta = smoothing(*faces, TIMES)
    np.testing.assert_allclose(theta[3], 200 + 0.01 / 3, atol=1e-5)
    np.testing.assert_allclose(theta[6], 0.01 / 3, atol=1e-5)


def test_strength_scales_what_is_taken_out(model):
    faces = [sighting(model, log_scale=0.5 + d) for d in (0.0, 1e-4, 0.0)]
    taken = [0.5 + 1e-4 - Smoothing(model, s)(*faces, TIMES)[5] for s in (0, 0.5, 1)]
    np.testing.assert_allclose(taken, np.array([0, 1 / 3, 2 / 3]) * 1e-4, rtol=1e-2)


def test_a_steady_motion_does_not_lag(model, smoothing):
    faces = [
        sighting(model, translation=(200 + 15 * k, 150 - 9 * k), rotation=(0, 0.05 * k, 0))
        for k in (-1, 0, 1)
    ]
    theta = smoothing(*faces, TIMES)
    np.testing.assert_allclose(theta, faces[1].parameters, atol=1e-9)


def test_the_mean_is_taken_at_the_frames_own_time(model, smoothing):
    faces = [sighting(model, translation=(200 + 2 * d, 150)) for d in (0, 1, 3)]
    theta = smoothing(*faces, (1.0, 1.02, 1.06))
    np.testing.assert_allclose(theta, faces[1].parameters, atol=1e-9)


def test_a_jump_stays(model, smoothing):
    still, moved = sighting(model), sighting(model, translation=(240, 150))
    theta = smoothing(still, moved, still, TIMES)
    assert moved.parameters[3] - theta[3] < 0.5


def test_a_blink_stays_while_the_head_is_smoothed(model, smoothing):
    indices, first = model.landmarks["ibug68"], model.identity_count
    upper, lower = indices[[37, 38, 43, 44]], indices[[41, 40, 47, 46]]
    closing = (model.basis[first:, upper, 1] - model.basis[first:, lower, 1]).T
    gap = model.mean[lower, 1] - model.mean[upper, 1]
    coefficients = np.linalg.lstsq(closing, gap, rcond=None)[0]
    blink = {f"mode_{first + number}": value for number, value in enumerate(coefficients)}
    open_eyes = sighting(model)
    closed = sighting(model, translation=(200.03, 150), **blink)
    theta = smoothing(open_eyes, closed, open_eyes, TIMES)
    np.testing.assert_allclose(closing @ theta[6 + first :], gap, rtol=0.1)
    # The lids move a few landmarks of many: the head is still rather still.
    assert theta[3] < 200.025


def test_rotations_are_averaged_across_half_a_turn(model, smoothing):
    # Axis-angle vectors of nearly a half turn jump to the other side.
    angles = np.pi + np.array([-0.002, 0.001, 0.004])
    turns = [Rotation.from_rotvec([0, 0, angle]) for angle in angles]
    faces = [sighting(model, rotation=turn.as_rotvec()) for turn in turns]
    smoothed = Rotation.from_rotvec(smoothing(*faces, TIMES)[:3])
    expected = Rotation.from_rotvec([0, 0, angles.mean()])
    assert (smoothed * expected.inv()).magnitude() < 2e-5


@pytest.mark.parametrize("times", [(0.0, 1.0, 1.04), (1.0, 1.04, 2.0), (1.0, 1.0, 1.04)])
def test_neighbours_far_away_in_time_say_nothing(model, smoothing, times):
    faces = [sighting(model, translation=(200 + d, 150)) for d in (0, 0.5, 0)]
    np.testing.assert_array_equal(smoothing(*faces, times), faces[1].parameters)


@pytest.mark.parametrize("strength", [-0.1, 1.1, np.nan])
def test_a_strength_that_is_none_is_refused(model, strength):
    with pytest.raises(ValueError, match=r"strength of smoothing in 0\.\.1"):
        Smoothing(model, strength)
