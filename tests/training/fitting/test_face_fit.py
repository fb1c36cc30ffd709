"""Fits of the face model to labelled points."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.mesh import GridModel, contour_lines
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training.data.labelled_faces import LANDMARK_SET
from keras_3dmmstn.training.fitting.face_fit import FaceFitter

FACE = toy_grid_model((48, 48))
FITTER = FaceFitter(FACE)


def photographed(axis_angle, scale=1.5, shift=(120.0, 90.0), coefficients=None, face=FACE):
    """Labels `(89, 3)` of a face in a pose, its jaw on the contour that a viewer sees."""
    rotation = cv2.Rodrigues(np.array(axis_angle, float))[0]
    shape = face.mean.astype(float)
    if coefficients is not None:
        shape = shape + np.tensordot(coefficients, face.basis.astype(float), 1)
    image = scale * (shape @ rotation.T)[:, :2] + shift
    vertices = face.landmark_indices(LANDMARK_SET).copy()
    for point, (line, outward) in enumerate(zip(*contour_lines(face), strict=True)):
        reach = [image[vertex] @ rotation[:2, :2] @ outward for vertex in line]
        vertices[point] = line[int(np.argmax(reach))]
    return np.column_stack([image[vertices], np.ones(89)]), rotation, vertices


@pytest.mark.parametrize("axis_angle", [(0, 0, 0), (0.2, 0.5, -0.1), (-0.15, -0.6, 0.3)])
def test_the_pose_of_the_mean_face_is_found(axis_angle):
    landmarks, rotation, vertices = photographed(axis_angle)
    fit = FITTER.fit(landmarks)
    np.testing.assert_allclose(fit.rotation, rotation, atol=1e-4)
    np.testing.assert_allclose(fit.scale, 1.5, rtol=1e-4)
    np.testing.assert_allclose(fit.coefficients, 0, atol=1e-3)
    np.testing.assert_array_equal(fit.vertices, vertices)
    np.testing.assert_allclose(fit.project(FACE.mean[vertices]), landmarks[:, :2], atol=0.02)
    assert fit.error < 1e-4


def test_a_face_that_looks_to_image_right_has_positive_yaw():
    landmarks, rotation, _ = photographed((0, -0.5, 0))
    nose = rotation @ [0, 0, -1]
    assert nose[0] > 0.4  # it is to the right that this one looks
    assert FITTER.fit(landmarks).yaw == pytest.approx(0.5, abs=1e-3)


def test_the_far_jaw_slides_over_the_cheek_and_the_near_one_stays():
    face = GridModel.bundled()
    fixed = face.landmarks["ibug68"]
    landmarks, _, vertices = photographed((0, -0.6, 0), face=face)  # image-right is the far side
    fit = FaceFitter(face).fit(landmarks)
    # Where two vertices are equally near the contour, a hair of pose decides between them.
    assert (fit.vertices != vertices).sum() <= 1
    shown = fit.project(face.mean[fit.vertices])
    assert np.linalg.norm(shown - landmarks[:, :2], axis=1).max() < 0.03 * np.ptp(landmarks[:, 0])
    np.testing.assert_array_equal(fit.vertices[:5], fixed[:5])
    assert (fit.vertices[12:17] != fixed[12:17]).sum() >= 3


def test_shape_is_recovered_up_to_the_pull_of_the_prior():
    true = np.array([1.0, -1.0, 0.5, 1.5, -1.0, 0.5])
    landmarks, _, _ = photographed((0.1, 0.3, 0), coefficients=true)
    fit = FITTER.fit(landmarks)
    assert fit.error < 0.005
    assert np.linalg.norm(fit.coefficients - true) < 0.5 * np.linalg.norm(true)
    assert fit.coefficients[3] == pytest.approx(1.5, abs=0.3)  # the mouth's opening, well seen


def test_points_without_a_label_do_not_count():
    landmarks, rotation, _ = photographed((0.1, 0.4, 0))
    landmarks[::3] = [np.nan, np.nan, 0]
    np.testing.assert_allclose(FITTER.fit(landmarks).rotation, rotation, atol=1e-3)


def test_a_point_counts_by_its_confidence():
    landmarks, _, _ = photographed((0, 0, 0))
    landmarks[30, 0] += 20  # the nose tip
    trusted = FITTER.fit(landmarks).yaw
    landmarks[30, 2] = 0.01
    assert abs(FITTER.fit(landmarks).yaw) < 0.1 * abs(trusted)


def test_the_error_is_a_share_of_the_box():
    landmarks, _, _ = photographed((0, 0, 0))
    noise = np.random.default_rng(0).normal(size=(89, 2))
    landmarks[:, :2] += noise
    box = np.sqrt(np.ptp(landmarks[:, :2], axis=0).prod())
    fit = FITTER.fit(landmarks)
    coefficients = np.tensordot(fit.coefficients, FACE.basis, 1)
    projected = fit.project((FACE.mean + coefficients)[fit.vertices])
    distance = np.linalg.norm(projected - landmarks[:, :2], axis=1).mean()
    assert fit.error == pytest.approx(distance / box, rel=1e-2)


def test_landmarks_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(89, 3\), received shape \(68, 3\)"):
        FITTER.fit(np.ones((68, 3)))


@pytest.mark.parametrize("known", [0, 5])
def test_too_few_points_are_refused(known):
    landmarks, _, _ = photographed((0, 0, 0))
    landmarks[known:, 2] = 0
    with pytest.raises(ValueError, match=f"at least 6 labelled points .* received {known}"):
        FITTER.fit(landmarks)


def test_points_on_an_axis_are_refused():
    landmarks, _, _ = photographed((0, 0, 0))
    landmarks[:, 1] = 7
    with pytest.raises(ValueError, match="span a box, received 89"):
        FITTER.fit(landmarks)
