import numpy as np
import pytest

from keras_3dmmstn.mesh.head_pose import yaw_of_rotation


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
