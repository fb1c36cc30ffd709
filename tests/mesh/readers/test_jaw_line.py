"""Jaw points placed by geometry."""

import numpy as np
import pytest

from keras_3dmmstn.mesh.readers.jaw_line import jaw_line
from keras_3dmmstn.mesh.readers.tddfa import read_tddfa
from keras_3dmmstn.mesh.synthetic import toy_shape_model
from tests.support.paths import published_model


@pytest.fixture
def ellipsoid():
    """An egg-shaped face: 70 mm half width, 100 mm half height, 90 mm half depth."""
    polar, around = np.meshgrid(np.linspace(0, np.pi, 61), np.linspace(0, np.pi, 61), indexing="ij")
    vertices = np.stack(
        [
            -70 * np.cos(around) * np.sin(polar),
            -100 * np.cos(polar),
            -90 * np.sin(around) * np.sin(polar),
        ],
        axis=-1,
    ).reshape(-1, 3)
    index = np.arange(61 * 61).reshape(61, 61)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).reshape(-1, 3)
    return vertices, triangles


def nearest(vertices, *position):
    front = np.where(vertices[:, 2] < 0, 0, 1e6)
    return int((np.hypot(*(vertices[:, :2] - position).T) + front).argmin())


def test_points_run_from_image_left_over_the_chin_at_equal_distances(ellipsoid):
    vertices, triangles = ellipsoid
    chin, eyes = nearest(vertices, 0, 80), [nearest(vertices, x, -20) for x in (-45, 45)]
    found = jaw_line(vertices, triangles, chin, eyes)
    points = vertices[found]
    assert found[8] == chin
    assert (np.diff(points[:, 0]) > -6).all() and points[0, 0] < -60 and points[16, 0] > 60
    np.testing.assert_allclose(points[[0, 16], 1], -20, atol=5)  # rows are 5 mm apart
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps.max() < 1.6 * steps.min()
    # From the side, a quarter of an ellipse; on this mesh points are up to 5 mm apart.
    depth = 0.75 * np.linalg.norm(vertices[eyes[0]] - vertices[eyes[1]])
    height = np.clip((points[:, 1] + 20) / (points[8, 1] + 20), 0, 1)
    expected = points[8, 2] + depth * np.sqrt(1 - height**2)
    assert np.median(np.abs(points[:, 2] - expected)) < 4


def test_points_are_close_to_those_of_a_known_model():
    model = read_tddfa(published_model("bfm_3ddfa_53215.npz"), 1, 1)
    points = model.landmarks["ibug68"]
    found = jaw_line(model.mean, model.triangles, points[8], points[[36, 45]])
    difference = model.mean[found] - model.mean[points[:17]]
    distance = np.linalg.norm(difference[:, :2], axis=1)
    assert distance.mean() < 7 and distance[3:14].max() < 6


def test_a_face_without_cheeks_is_refused():
    model = toy_shape_model(31, 31)
    points = model.landmarks["ibug68"]
    low = model.mean[model.triangles][:, :, 1].min(axis=1) > 0
    with pytest.raises(ValueError, match="with a gap"):
        jaw_line(model.mean, model.triangles[low], points[8], points[[36, 45]])
