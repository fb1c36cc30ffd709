"""Faces are framed alike however many of their points are labelled."""

import numpy as np
import pytest

from keras_3dmmstn.mesh.landmark_sets import LANDMARK_SET
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS
from keras_3dmmstn.training.fitting.face_box import face_boxes, fit_points
from tests.support.face_folders import projected_face

POSES = [
    {"yaw": 0.0},
    {"yaw": 0.5, "roll": 0.3},
    {"yaw": -0.8, "pitch": 0.2},
    {"yaw": 0.3, "roll": -2.0},
]


def labelled(points, keep):
    """Landmarks `(faces, 89, 3)` that are labelled only where `keep` says."""
    landmarks = np.concatenate([points, np.ones((*points.shape[:2], 1))], axis=2)
    landmarks[:, np.setdiff1d(np.arange(89), keep)] = 0
    return landmarks


def tight(points):
    return np.concatenate([points[:, :68].min(axis=1), points[:, :68].max(axis=1)], axis=1)


def off(boxes, expected):
    """How far the boxes' edges are off, in larger sides of the expected ones."""
    size = (expected[:, 2:] - expected[:, :2]).max(axis=1, keepdims=True)
    return np.abs(boxes - expected) / size


@pytest.fixture(scope="module")
def points():
    return np.stack([projected_face(**pose) for pose in POSES])


def test_with_all_68_points_it_is_their_tight_box(points):
    points[:, 69] = 1000  # a point of the other set does not count
    np.testing.assert_allclose(face_boxes(labelled(points, range(89))), tight(points), rtol=1e-6)


@pytest.mark.parametrize(
    ("keep", "tolerance"),
    [
        (range(68, 89), 0.02),  # AFLW
        (range(17, 68), 0.02),  # no jaw line
        (FIVE_POINTS, 0.05),
        ([68, 69, 70, 74, 75, 76, 80, 81, 82, 85, 86, 88], 0.05),  # one half of the face
        ([75, 78, 82], 0.2),  # eyes and nose
    ],
)
def test_the_rest_of_the_face_is_found_from_some_points(keep, tolerance):
    points = np.stack([projected_face(**pose) for pose in POSES])
    assert off(face_boxes(labelled(points, list(keep))), tight(points)).max() < tolerance


def test_a_profile_with_half_of_its_points_is_found():
    points = np.stack([projected_face(yaw=1.2), projected_face(yaw=-1.2)])
    right = [71, 72, 73, 77, 78, 79, 82, 83, 84, 86, 87, 88]
    left = [68, 69, 70, 74, 75, 76, 80, 81, 82, 85, 86, 88]
    for number, keep in enumerate((right, left)):
        faces = labelled(points[number : number + 1], keep)
        assert off(face_boxes(faces), tight(points[number : number + 1])).max() < 0.1


def test_a_label_counts_more_than_the_fit(points):
    moved = np.stack([projected_face()])
    moved[:, 8, 1] += 30  # a long chin
    box = face_boxes(labelled(moved, [*range(7), *range(8, 89)]))
    assert box[0, 3] == pytest.approx(moved[0, 8, 1], abs=1e-3)


def test_fitted_points_lie_on_the_labels():
    points = np.stack([projected_face(**pose) for pose in POSES])
    landmarks = labelled(points, range(68, 89))
    distance = np.linalg.norm(fit_points(landmarks) - points, axis=2)
    assert distance[:, 68:].mean() < 0.5 and distance.mean() < 1.0  # of 150 pixels


def test_with_one_point_the_rectangle_says_where_the_face_is():
    landmarks = labelled(projected_face()[None], [82])
    boxes = face_boxes(landmarks, np.array([[100, 200, 300, 400]]))
    np.testing.assert_allclose(boxes, [[115.5, 218.5, 284.5, 387.5]])


def test_a_fit_that_contradicts_the_rectangle_is_not_believed():
    points = projected_face()[None]
    near, landmarks = tight(points)[0], labelled(points, list(FIVE_POINTS))

    def boxes(rectangle):
        return face_boxes(landmarks, np.array([rectangle]))

    assert off(boxes(near + [-10, -10, 10, 10]), tight(points)).max() < 0.05
    assert off(boxes(near + 1000), tight(points) + 1000).max() < 0.3
    (box,) = boxes([0, 0, 1000, 1000])
    np.testing.assert_allclose(box[2:] - box[:2], 845)


def test_where_nothing_says_where_the_face_is_there_is_no_box():
    face, together = projected_face(), np.full((89, 2), 7.0)
    assert np.isnan(face_boxes(labelled(face[None], [82]))).all()
    assert np.isnan(face_boxes(labelled(face[None], []))).all()
    assert np.isnan(face_boxes(labelled(together[None], [75, 78, 82]))).all()
    assert np.isnan(face_boxes(labelled(together[None], list(range(89))))).all()


def test_no_face_gives_no_box():
    assert face_boxes(labelled(np.zeros((0, 89, 2)), [])).shape == (0, 4)


def test_a_face_model_of_ones_own_is_used():
    model = toy_grid_model()
    points = model.mean[model.landmark_indices(LANDMARK_SET)][None, :, :2] + 200
    faces = labelled(points, range(68, 89))
    assert off(face_boxes(faces, face_model=model), tight(points)).max() < 0.02
