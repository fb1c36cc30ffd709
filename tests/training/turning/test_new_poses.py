"""The poses that faces are turned to."""

import numpy as np
import pytest

from keras_3dmmstn.training.turning.new_poses import (
    NEARLY_FRONTAL,
    PITCH_CHANGE,
    YAWS,
    new_poses,
)


def test_a_turned_face_is_turned_on():
    for yaw in (0.3, -0.3):
        poses = new_poses(yaw, 500, np.random.default_rng(0))
        after = yaw + poses[:, 0]
        assert (np.sign(after) == np.sign(yaw)).all() and (np.abs(after) > abs(yaw)).all()


def test_a_nearly_frontal_face_turns_either_way():
    poses = new_poses(0.5 * NEARLY_FRONTAL, 200, np.random.default_rng(0))
    after = 0.5 * NEARLY_FRONTAL + poses[:, 0]
    assert 60 < (after < 0).sum() < 140


def test_new_yaws_are_even_over_the_range():
    rng = np.random.default_rng(0)
    yaws = np.abs(np.concatenate([new_poses(0.0, 2, rng)[:, 0] for _ in range(2000)]))
    assert YAWS[0] <= yaws.min() and yaws.max() <= YAWS[1]
    counts = np.histogram(yaws, 5, YAWS)[0]
    np.testing.assert_allclose(counts, 800, rtol=0.15)  # five standard deviations


def test_new_yaws_are_in_the_range_that_is_given():
    yaws = np.radians([60.0, 92.0])
    rng = np.random.default_rng(0)
    after = np.concatenate([0.2 + new_poses(0.2, 2, rng, tuple(yaws))[:, 0] for _ in range(200)])
    assert yaws[0] <= after.min() < yaws[0] + 0.02 and yaws[1] - 0.02 < after.max() <= yaws[1]
    # Only the range differs from that of the poses by default.
    one = new_poses(0.2, 1, np.random.default_rng(7), tuple(yaws))[0]
    default = new_poses(0.2, 1, np.random.default_rng(7))[0]
    share = (np.array([one[0], default[0]]) + 0.2 - [yaws[0], YAWS[0]]) / np.ptp(
        [yaws, YAWS], axis=1
    )
    assert share[0] == pytest.approx(share[1]) and one[1] == default[1]


def test_a_face_beyond_the_range_turns_a_little_on():
    poses = new_poses(-1.5, 3, np.random.default_rng(0))
    np.testing.assert_allclose(poses[:, 0], -np.radians(5))


def test_pitch_changes_both_ways_within_its_bound():
    pitch = new_poses(0.0, 500, np.random.default_rng(0))[:, 1]
    assert np.abs(pitch).max() <= PITCH_CHANGE and pitch.min() < -0.2 and pitch.max() > 0.2
