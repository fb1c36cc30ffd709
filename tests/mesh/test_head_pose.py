import cv2
import numpy as np
import pytest

from keras_3dmmstn.mesh.head_pose import head_pose, yaw_of_rotation


def about_y(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


@pytest.mark.parametrize("yaw", [-2.0, -0.5, 0.0, 0.5, 1.5, 3.0])
def test_a_face_that_looks_to_image_right_has_positive_yaw(yaw):
    rotation = about_y(-yaw)
    nose = rotation @ [0, 0, -1]
    assert np.sign(nose[0]) == np.sign(np.sin(yaw))
    assert yaw_of_rotation(rotation) == pytest.approx(yaw)


def test_roll_and_nodding_of_a_frontal_face_are_no_yaw():
    c, s = np.cos(0.4), np.sin(0.4)
    roll = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    nod = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    frontal = np.stack([roll, nod, nod @ roll])
    np.testing.assert_allclose(yaw_of_rotation(frontal), 0, atol=1e-15)
    assert yaw_of_rotation(nod @ about_y(-0.5)) > 0.5


def test_many_rotations_at_once():
    yaws = np.linspace(-1, 1, 6).reshape(2, 3)
    rotations = np.array([[about_y(-yaw) for yaw in row] for row in yaws])
    np.testing.assert_allclose(yaw_of_rotation(rotations), yaws)


def turned(yaw, pitch, roll):
    """R of a head that is tilted, then nods, then turns, in degrees: three turns about axes."""
    yaw, pitch, roll = np.radians([yaw, pitch, roll])
    return (
        cv2.Rodrigues(np.array([0, -yaw, 0]))[0]
        @ cv2.Rodrigues(np.array([-pitch, 0, 0]))[0]
        @ cv2.Rodrigues(np.array([0, 0, roll]))[0]
    )


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (30, 0, 0), (0, 20, 0), (0, 0, -40), (-75, 25, 10), (120, -50, 170)]
)
def test_the_three_angles_make_the_rotation(angles):
    np.testing.assert_allclose(head_pose(turned(*angles)), angles, atol=1e-9)


def test_signs_of_the_three_angles_are_those_that_the_viewer_sees():
    nose, top = np.array([0, 0, -1.0]), np.array([0, -1.0, 0])
    assert (turned(20, 0, 0) @ nose)[0] > 0  # to the right of the image
    assert (turned(0, 20, 0) @ nose)[1] < 0  # up: y points down
    assert (turned(0, 0, 20) @ top)[0] > 0  # clockwise: the top goes to the right


@pytest.mark.parametrize("pitch", [90, -90])
def test_a_head_that_looks_straight_up_or_down_has_its_turn_as_yaw(pitch):
    pose = head_pose(turned(30, pitch, 0))
    assert pose.pitch == pytest.approx(pitch, abs=1e-4) and pose.roll == 0
    np.testing.assert_allclose(turned(*pose), turned(30, pitch, 0), atol=1e-6)
