import numpy as np
import pytest

from keras_3dmmstn.inference.detection.landmark_boxes import (
    four_points,
    landmark_box,
    landmark_box_of_search,
    roll_of,
    turned_box,
)

# Eyes, nose, mouth of an upright face.
POINTS = np.array([[-10.0, -10], [10, -10], [0, 2], [0, 12]])


@pytest.mark.parametrize("roll", [-3.0, -0.5, 0.0, 0.3, 2.0])
def test_the_roll_is_positive_when_a_face_is_turned_clockwise(roll):
    # In a picture (x right, y down) this matrix turns clockwise: x goes to y.
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    assert roll_of(POINTS @ turn.T + 5) == pytest.approx(roll)


def test_the_roll_of_a_profile_comes_from_eyes_and_mouth():
    profile = np.array([[0.0, -10], [0.5, -9.5], [9, 2], [5, 12]])
    assert abs(roll_of(profile)) < 0.3


def test_the_landmarks_box_is_a_part_of_the_square():
    box = landmark_box(np.array([100.0, 200, 200, 300]))
    np.testing.assert_allclose(box, [104.2, 210.9, 197.9, 301.9])


def test_the_landmarks_box_is_a_part_of_the_search_s_box():
    box = landmark_box_of_search(np.array([100.0, 200, 200, 400]))
    np.testing.assert_allclose(box, [98.2, 246, 202.3, 402.6])


def test_the_middle_of_the_mouth_lies_between_its_corners():
    points = np.array([*POINTS[:3], [-6.0, 12], [6, 12]])
    np.testing.assert_array_equal(four_points(points), POINTS)


@pytest.mark.parametrize("roll", [0.0, 0.4, np.pi / 4, np.pi / 2, 3.0])
def test_a_turned_box_is_that_of_a_turned_ellipse(roll):
    angles = np.linspace(0, 2 * np.pi, 2000)
    ellipse = np.column_stack([20 * np.cos(angles), 30 * np.sin(angles)])
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    points = ellipse @ turn.T + [7, 9]
    box = turned_box(np.array([7.0, 9]), np.array([40.0, 60]), roll)
    np.testing.assert_allclose(box, [*points.min(axis=0), *points.max(axis=0)], atol=1e-3)
