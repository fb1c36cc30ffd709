"""Landmarks from one model to another."""

import dataclasses

import cv2
import numpy as np
import pytest

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_transfer import fit_similarity, transfer_landmarks
from keras_3dmmstn.mesh.readers import read
from keras_3dmmstn.mesh.synthetic import toy_shape_model
from tests.support.face_meshes import with_eyeballs
from tests.support.paths import published_model

SCALE, TURN = 1.1, cv2.Rodrigues(np.array([0.08, 0.03, -0.04]))[0]
SHIFT = np.array([3, -40, 25])


def moved(points):
    return SCALE * points @ TURN.T + SHIFT


def moved_toy(**changes):
    """The toy face, larger, turned a little and elsewhere, on another triangulation."""
    model = toy_shape_model(71, 81)
    return dataclasses.replace(model, mean=moved(model.mean), mirror=None, **changes)


def distances_to_the_truth(result, name):
    """How far the landmarks are from those of the toy face, moved like it."""
    source = toy_shape_model()
    truth = moved(source.mean[source.landmarks[name]])
    return np.linalg.norm(result.mean[result.landmarks[name]] - truth, axis=1)


def test_a_similarity_is_found_exactly(rng):
    points = rng.normal(size=(10, 3))
    turn = cv2.Rodrigues(np.array([0.3, -0.5, 0.9]))[0]
    scale, rotation, shift = fit_similarity(points, 2.5 * points @ turn.T + [1, 2, 3])
    np.testing.assert_allclose(scale, 2.5)
    np.testing.assert_allclose(rotation, turn, atol=1e-12)
    np.testing.assert_allclose(shift, [1, 2, 3])


def test_a_similarity_never_reflects(rng):
    points = rng.normal(size=(10, 3))
    _, rotation, _ = fit_similarity(points, points * [-1, 1, 1])
    np.testing.assert_allclose(np.linalg.det(rotation), 1)


def test_closest_points_alone_find_the_landmarks_of_the_same_face():
    result = transfer_landmarks(toy_shape_model(), moved_toy(landmarks={}))
    for name in ("ibug68", "aflw21"):
        away = distances_to_the_truth(result, name)
        # Cells of 2.2 × 3 mm; closest points slide along a mask as smooth as this.
        assert away.mean() < 4 and away.max() < 8, name


def test_common_landmarks_align_and_stay():
    own = moved_toy().landmarks["aflw21"]
    result = transfer_landmarks(toy_shape_model(), moved_toy(landmarks={"aflw21": own}))
    np.testing.assert_array_equal(result.landmarks["aflw21"], own)
    # The common landmarks are vertices of both meshes, up to 2 mm apart.
    assert distances_to_the_truth(result, "ibug68").max() < 1.9 + 2


def test_landmarks_go_to_the_face_and_not_to_other_pieces():
    target = with_eyeballs(moved_toy(landmarks={}))
    result = transfer_landmarks(toy_shape_model(), target)
    assert result.landmarks["ibug68"].max() < len(target.mean) - 8


def test_a_source_without_landmarks_is_refused():
    bare = dataclasses.replace(toy_shape_model(), landmarks={})
    with pytest.raises(ValueError, match="source with landmarks"):
        transfer_landmarks(bare, toy_shape_model())


# What the owners call a brow's end or the jaw's line differs by up to 20 mm between the models: the
# eyes, the nose and the mouth must agree.
@pytest.mark.parametrize(
    ("kind", "path"),
    [("tddfa", "bfm_3ddfa_53215.npz"), ("ict", "ict/FaceXModel"), ("surrey", "sfm")],
)
def test_the_bundled_landmarks_fit_published_models(kind, path):
    if kind == "surrey":
        pytest.importorskip("eos")
    model = read(kind, published_model(path), identity=1, expression=0)
    bare = dataclasses.replace(model, landmarks={})
    result = transfer_landmarks(GridModel.bundled(), bare)
    here, there = (model.mean[m.landmarks["ibug68"]] for m in (model, result))
    away = np.linalg.norm(here - there, axis=1)
    assert away[30:].mean() < 4.0
