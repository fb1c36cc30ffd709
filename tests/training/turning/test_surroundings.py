"""The rings around a face that is turned."""

import cv2
import numpy as np

from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.turning.surroundings import surroundings
from keras_3dmmstn.training.turning.triangle_map import triangle_map

FACE = toy_grid_model((32, 32)).mean.astype(float)
AXIS = np.array([0.0, 20.0, 60.0])
TO_PICTURE = np.array([[0.4, 0, 50.0], [0, 0.4, 50.0]])
TO_SOURCE = TO_PICTURE + [[0, 0, 25.0], [0, 0, 25.0]]
SIZES = (150, 100)


def turned_by(yaw):
    return cv2.Rodrigues(np.array([0, yaw, 0.0]))[0]


def rings(yaw):
    return surroundings(FACE, AXIS, turned_by(yaw), TO_SOURCE, TO_PICTURE, SIZES)


def test_without_a_turn_everything_stays():
    around = rings(0.0)
    np.testing.assert_allclose(around.after, around.before - 25, atol=1e-9)


def test_the_frame_stays_and_takes_in_the_picture():
    before = rings(0.0)
    frame = before.after[-72:]
    np.testing.assert_array_equal(rings(0.9).after[-72:], frame)
    distance = np.abs(frame - 49.5).max(axis=1)
    np.testing.assert_allclose(distance, 57.5)


def test_the_first_ring_is_the_outline_of_the_face_in_every_pose():
    outline = rings(0.0).before[:72]
    image = framing.apply_similarity(TO_SOURCE, FACE[:, :2])
    hull = cv2.convexHull(image.astype(np.float32))
    distance = [abs(cv2.pointPolygonTest(hull, tuple(map(float, p)), True)) for p in outline]
    assert np.median(distance) < 0.5  # pixels; the hull spans the hollows
    turned = (FACE - AXIS) @ turned_by(0.9).T + AXIS
    placed = framing.apply_similarity(TO_PICTURE, turned[:, :2])
    gap = np.linalg.norm(rings(0.9).after[:72, None] - placed, axis=-1).min(axis=1)
    np.testing.assert_allclose(gap, 0, atol=1e-9)


def test_the_head_recedes_behind_the_face_and_the_neck_less():
    depth = rings(0.0).depth.reshape(5, 72)
    assert (np.diff(depth, axis=0) >= 0).all()
    upwards, downwards = 18, 54  # a quarter and three quarters round from image-left
    assert depth[3, upwards] > depth[3, downwards] + 30


def test_no_hole_opens_in_large_poses():
    for yaw in (-1.2, 0.4, 1.2):
        around = rings(yaw)
        drawn = triangle_map(
            around.after,
            around.before,
            around.depth,
            around.triangles,
            behind=len(around.triangles),
            size=100,
        )
        turned = (FACE - AXIS) @ turned_by(yaw).T + AXIS
        face = framing.apply_similarity(TO_PICTURE, turned[:, :2]).astype(np.float32)
        holes = np.argwhere(np.isinf(drawn.depth))[:, ::-1]
        # The first ring is open: the face covers it.
        hull = cv2.convexHull(face)
        assert all(cv2.pointPolygonTest(hull, tuple(map(float, p)), False) >= 0 for p in holes)
