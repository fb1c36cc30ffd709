"""Labels for points that nobody labelled."""

import numpy as np
import pytest

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT
from keras_3dmmstn.training.data.completion import DOUBTFUL, completed
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.data.readers.cfp import IMAGE_LEFT_POINTS, IMAGE_RIGHT_POINTS
from keras_3dmmstn.training.fitting.face_fit import FaceFitter
from tests.support.face_folders import projected_face
from tests.support.faces_with_labels import labelled_faces


def half_labelled(yaw, shown, noise=0.0):
    """A face of which only some points are labelled, and all of its 68 points.

    It is turned by `yaw` to image-right, which is the other direction for `projected_face`.
    """
    whole = projected_face(yaw=-yaw)[:IBUG68_COUNT]
    points = np.full((1, IBUG68_COUNT, 2), np.nan)
    errors = np.random.default_rng(0).normal(0, noise, (len(shown), 2))
    points[0, list(shown)] = whole[list(shown)] + errors
    return labelled_faces(["a.jpg"], points), whole


@pytest.mark.parametrize(("side", "shown"), [(1, IMAGE_LEFT_POINTS), (-1, IMAGE_RIGHT_POINTS)])
def test_the_other_points_of_a_profile_come_from_the_face_model(side, shown):
    faces, whole = half_labelled(side * 1.2, shown)
    (points,) = completed(faces, yaw=1.2).landmarks
    hidden = np.setdiff1d(np.arange(17, IBUG68_COUNT), shown)
    size = np.sqrt(np.ptp(whole, axis=0).prod())
    assert np.linalg.norm(points[hidden, :2] - whole[hidden], axis=1).mean() < 0.06 * size
    np.testing.assert_array_equal(points[:IBUG68_COUNT, 2][hidden], np.float32(DOUBTFUL))
    np.testing.assert_array_equal(points[list(shown)], faces.landmarks[0, list(shown)])
    assert (points[IBUG68_COUNT:, 2] == 0).all()  # those of AFLW stay unlabelled


def test_a_known_yaw_holds_where_the_labels_of_one_side_hardly_tell():
    faces, _ = half_labelled(1.3, IMAGE_LEFT_POINTS, noise=4.0)
    fitter = FaceFitter(GridModel.bundled())
    free, held = (fitter.fit(faces.landmarks[0], yaw).yaw for yaw in (None, 1.3))
    assert abs(held - 1.3) < 0.15 < abs(free - 1.3)


def test_the_pose_of_a_data_set_counts_by_its_size_and_before_the_guess():
    faces, _ = half_labelled(-1.2, IMAGE_RIGHT_POINTS)
    known = LabelledFaces(faces.paths, faces.landmarks, pose=np.array([[0, 0, 1.2]]))
    expected = completed(faces, yaw=1.2).landmarks
    np.testing.assert_allclose(completed(known, yaw=0.1).landmarks, expected, atol=0.05)


def test_faces_that_need_nothing_or_give_too_little_are_unchanged():
    whole = labelled_faces(["a.jpg"], projected_face()[None, :IBUG68_COUNT])
    np.testing.assert_array_equal(completed(whole).landmarks, whole.landmarks)
    few, _ = half_labelled(0.0, range(36, 42))
    np.testing.assert_array_equal(completed(few).landmarks, few.landmarks)
    chance = np.random.default_rng(1).uniform(0, 100, (1, IBUG68_COUNT, 2))
    chance[0, 20:25] = np.nan
    strange = labelled_faces(["a.jpg"], chance)
    np.testing.assert_array_equal(completed(strange).landmarks, strange.landmarks)


def test_labels_of_little_confidence_are_replaced():
    whole = projected_face()[None, :IBUG68_COUNT]
    faces = labelled_faces(["a.jpg"], whole)
    faces.landmarks[0, 40] = [500, 500, 0.01]
    (points,) = completed(faces).landmarks
    assert points[40, 2] == np.float32(DOUBTFUL)
    assert np.linalg.norm(points[40, :2] - whole[0, 40]) < 2
