"""Measuring a normaliser whose answer is known."""

import dataclasses

import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.head_pose import yaw_of_rotation
from keras_3dmmstn.training.evaluation import framed_faces
from keras_3dmmstn.training.evaluation.error_measures import face_errors
from keras_3dmmstn.training.evaluation.measurement import measure
from tests.support.faces_with_labels import (
    labelled_faces,
    mean_face_points,
    normaliser_that_says,
    write_photographs,
)

# Turned by about 0.6 rad about y, rolled and nodding a little, with some expression.
TURNED = (0.4, 2, 0.2, 0, 0, 0, 1, 0, 0, 2)


@pytest.fixture(scope="module")
def mean_face():
    return normaliser_that_says()


@pytest.fixture(scope="module")
def turned_face():
    return normaliser_that_says(TURNED)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photographs"), 3)


def test_labels_that_are_predicted_have_no_error(mean_face, photographs):
    points = mean_face_points(mean_face)
    faces = labelled_faces(photographs[:1], [points])
    errors = measure(mean_face, faces).errors
    assert np.isnan(errors[0, 68:]).all()
    # float32 coordinates of about 160 pixels, in a crop 1.9 times as large, over a box of 100.
    np.testing.assert_allclose(errors[0, :68], 0, atol=1e-3)


def test_a_point_off_by_five_pixels_has_their_share_of_the_box(mean_face, photographs):
    points = mean_face_points(mean_face)
    low, high = points.min(axis=0), points.max(axis=0)
    points[30] += [3, 4]  # the tip of the nose: the box stays
    measurement = measure(mean_face, labelled_faces(photographs[:1], [points]))
    np.testing.assert_allclose(measurement.boxes, [[*low, *high]], rtol=1e-6)
    percent = 100 * 5 / np.sqrt(np.prod(high - low))
    assert measurement.errors[0, 30] == pytest.approx(percent, rel=1e-3)
    assert measurement.pixels[0, 30] == pytest.approx(5 * 120 / (high - low).max(), rel=1e-3)
    assert face_errors(measurement.errors)[0] == pytest.approx(percent / 68, rel=1e-2)


def test_predictions_are_those_of_the_normaliser(turned_face, photographs, rng):
    points = rng.uniform(40, 160, (3, 68, 2))
    measurement = measure(turned_face, labelled_faces(photographs, points))
    for path, box, predicted in zip(
        photographs, measurement.boxes, measurement.predicted, strict=True
    ):
        (face,) = turned_face(path, [box])
        np.testing.assert_allclose(predicted[:68], face.landmarks("ibug68"), atol=1e-3)
        np.testing.assert_allclose(predicted[68:], face.landmarks("aflw21"), atol=1e-3)


def test_labels_of_little_confidence_frame_a_face_and_are_not_measured(mean_face, photographs, rng):
    faces = labelled_faces(photographs[:1], rng.uniform(40, 160, (1, 68, 2)))
    whole = measure(mean_face, faces)
    faces.landmarks[0, :4, 2] = 0.01
    measurement = measure(mean_face, faces)
    np.testing.assert_array_equal(measurement.boxes, whole.boxes)
    assert np.isnan(measurement.errors[0, :4]).all()
    np.testing.assert_array_equal(measurement.errors[0, 4:68], whole.errors[0, 4:68])


def test_a_fixed_jaw_has_the_same_vertices_in_every_pose(turned_face, photographs, rng):
    faces = labelled_faces(photographs[:1], rng.uniform(40, 160, (1, 68, 2)))
    apparent, fixed = (measure(turned_face, faces, jaw=jaw) for jaw in ("apparent", "fixed"))
    (face,) = turned_face(photographs[0], [fixed.boxes[0]])
    vertices = turned_face.grid_model.landmarks["ibug68"]
    np.testing.assert_allclose(fixed.predicted[0, :68], face.points[vertices], atol=1e-3)
    np.testing.assert_array_equal(apparent.predicted[0, 17:], fixed.predicted[0, 17:])
    # Turned to the right of the photograph, the far side of the jaw leaves its vertices.
    assert np.abs(apparent.predicted - fixed.predicted)[0, :17].max() > 1


def test_an_unknown_jaw_is_refused(mean_face, photographs, rng):
    faces = labelled_faces(photographs[:1], rng.uniform(40, 160, (1, 68, 2)))
    with pytest.raises(ValueError, match='jaw "apparent" or "fixed", received \'loose\''):
        measure(mean_face, faces, jaw="loose")


def test_yaw_is_that_of_the_labels_or_else_of_the_fit(turned_face, photographs, rng):
    points = rng.uniform(40, 160, (3, 68, 2))
    pose = np.full((3, 3), np.nan)
    pose[1] = [0.1, 0.2, -1.2]  # roll, pitch, yaw
    measurement = measure(turned_face, labelled_faces(photographs, points, pose=pose))
    assert measurement.yaw[1] == pytest.approx(np.degrees(-1.2), rel=1e-5)
    assert measurement.yaw_is_labelled.tolist() == [False, True, False]
    (face,) = turned_face(photographs[0], [measurement.boxes[0]])
    x, _, z = face.rotation_matrix @ [0, 0, -1]  # where the face looks
    assert measurement.yaw[0] == pytest.approx(np.degrees(np.arctan2(x, -z)), abs=1e-3)
    assert abs(measurement.yaw[0]) > 20


def test_a_face_that_looks_to_the_right_of_the_photograph_has_positive_yaw():
    angle = np.radians(-25)  # about y, which points down: the nose, at −z, goes to +x
    cos, sin = np.cos(angle), np.sin(angle)
    about_y = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    assert (about_y @ [0, 0, -1])[0] > 0
    assert np.degrees(yaw_of_rotation(about_y)) == pytest.approx(25)


def test_moved_boxes_are_within_their_bounds_and_the_same_for_a_seed(mean_face, photographs, rng):
    faces = labelled_faces(photographs, rng.uniform(40, 160, (3, 68, 2)))
    first, again = (measure(mean_face, faces, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.predicted_when_moved, again.predicted_when_moved)
    other = measure(mean_face, faces, seed=4)
    assert np.abs(other.predicted_when_moved - first.predicted_when_moved).max() > 1
    still = measure(mean_face, faces, box_noise=0)
    np.testing.assert_allclose(still.predicted_when_moved, still.predicted, atol=1e-4)

    shifts, scales = framed_faces.random_moves(500, 0.1, 0)
    for values, middle in ((shifts, 0), (scales, 1)):
        assert np.abs(values - middle).max() <= 0.1 and np.ptp(values) > 0.19


def test_a_box_is_moved_by_shares_of_its_own_sides():
    box = np.array([10.0, 20.0, 30.0, 60.0])  # 20 wide, 40 high
    moved = framed_faces.moved_box(box, np.array([0.1, -0.1]), 1.1)
    np.testing.assert_allclose(moved, [22 - 11, 36 - 22, 22 + 11, 36 + 22])


def test_a_moved_box_frames_the_prediction(mean_face, photographs, rng):
    faces = labelled_faces(photographs[:1], rng.uniform(40, 160, (1, 68, 2)))
    measurement = measure(mean_face, faces, seed=5)
    shifts, scales = framed_faces.random_moves(1, 0.1, 5)
    box = framed_faces.moved_box(measurement.boxes[0], shifts[0], scales[0])
    (face,) = mean_face(photographs[0], [box])
    np.testing.assert_allclose(
        measurement.predicted_when_moved[0, :68], face.landmarks(), atol=1e-3
    )


def test_given_frames_take_the_place_of_the_labels_box_but_errors_keep_it(
    mean_face, photographs, rng
):
    faces = labelled_faces(photographs[:1], rng.uniform(40, 160, (1, 68, 2)))
    frame = np.array([[30.0, 30.0, 180.0, 170.0]])
    measurement = measure(mean_face, faces, frames=frame)
    (face,) = mean_face(photographs[0], frame)
    np.testing.assert_allclose(measurement.predicted[0, :68], face.landmarks(), atol=1e-3)
    np.testing.assert_array_equal(measurement.frames, frame)
    np.testing.assert_allclose(measurement.boxes, measure(mean_face, faces).boxes)


def test_several_faces_of_a_photograph_are_told_apart_and_it_is_read_once(
    mean_face, photographs, rng, monkeypatch
):
    reads = []
    read = framed_faces.read_photograph
    monkeypatch.setattr(
        framed_faces, "read_photograph", lambda path, **how: reads.append(path) or read(path, **how)
    )
    paths = (photographs[0], photographs[0], photographs[1])
    points = rng.uniform(40, 100, (3, 68, 2)) + np.array([[[0, 0]], [[60, 50]], [[10, 0]]])
    measurement = measure(mean_face, labelled_faces(paths, points))
    assert reads == [photographs[0], photographs[1]]
    middles = (measurement.boxes[:, :2] + measurement.boxes[:, 2:]) / 2
    np.testing.assert_allclose(middles[1] - middles[0], [60, 50], atol=10)


def test_what_cannot_be_measured_is_left_out_with_its_reason(mean_face, photographs, tmp_path, rng):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    paths = (photographs[0], tmp_path / "missing.png", broken, photographs[1], photographs[2])
    points = rng.uniform(40, 160, (5, 68, 2))
    points[3, 1:] = np.nan
    measurement = measure(mean_face, labelled_faces(paths, points))
    assert measurement.faces.paths == (photographs[0], photographs[2])
    assert len(measurement.errors) == 2
    reasons = {face.name: face.reason for face in measurement.skipped}
    assert "missing.png" in reasons[str(paths[1])]
    assert "expected an image" in reasons[str(broken)]
    assert reasons[str(photographs[1])] == "its 1 labelled points span no box"
    # The others are moved as they are without the faces left out.
    alone = measure(mean_face, labelled_faces(paths[:1], points[:1]))
    np.testing.assert_allclose(
        measurement.predicted_when_moved[0], alone.predicted_when_moved[0], atol=1e-4
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda points: points * 1e5, "which lies outside"),
        (lambda points: np.vstack([points[:-1], [[1e30, 90]]]), "more than 10 times as large"),
        (lambda points: np.vstack([points[:-1], [[3e6, 90]]]), "more than 10 times as large"),
        (lambda points: points + [0, 300], "which lies outside"),
        (lambda points: points - 300, "which lies outside"),
    ],
)
def test_labels_that_no_face_in_the_photograph_has_are_left_out(
    mean_face, photographs, rng, change, reason
):
    points = rng.uniform(40, 160, (2, 68, 2))
    points[1] = change(points[1])
    measurement = measure(mean_face, labelled_faces(photographs[:2], points))
    assert measurement.faces.paths == photographs[:1]
    (skipped,) = measurement.skipped
    assert skipped.name == str(photographs[1]) and reason in skipped.reason


def test_not_one_face_is_an_error_that_names_the_first(mean_face, tmp_path, rng):
    faces = labelled_faces((tmp_path / "missing.png",), rng.uniform(40, 160, (1, 68, 2)))
    with pytest.raises(ValueError, match=r"at least one face.*received none\. .*missing\.png"):
        measure(mean_face, faces)


def test_a_face_model_without_a_labelled_set_is_refused_and_without_another_is_not(
    mean_face, photographs
):
    landmarks = {"ibug68": mean_face.grid_model.landmarks["ibug68"]}
    model = dataclasses.replace(mean_face.grid_model, landmarks=landmarks)
    normaliser = Normaliser(mean_face.localiser, model)
    points = mean_face_points(mean_face)
    faces = labelled_faces(photographs[:1], [points])
    full, partial = measure(mean_face, faces), measure(normaliser, faces)
    np.testing.assert_allclose(full.errors, partial.errors, atol=1e-5)

    points = mean_face_points(mean_face, "aflw21")
    with pytest.raises(ValueError, match="landmarks aflw21, received one with ibug68"):
        measure(normaliser, labelled_faces(photographs[:1], [points], "aflw21"))


def test_more_faces_than_go_through_the_network_together(mean_face, photographs, monkeypatch):
    from keras_3dmmstn.training.evaluation import measurement as evaluate

    monkeypatch.setattr(evaluate, "_BATCH", 2)
    points = mean_face_points(mean_face)
    shifted = np.stack([points, points + 5, points - 8])
    measurement = measure(mean_face, labelled_faces(photographs, shifted))
    assert len(measurement.errors) == 3
    np.testing.assert_allclose(face_errors(measurement.errors), 0, atol=1e-3)
