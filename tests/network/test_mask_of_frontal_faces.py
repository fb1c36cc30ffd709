"""The mask of a face that looks at the viewer: one piece, without holes."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import label

from keras_3dmmstn import GridModel
from keras_3dmmstn.inference.fitted_faces import FaceGeometry
from keras_3dmmstn.ops import axis_angle_to_matrix

FACES = 200
FITTED = Path(__file__).with_name("frontal_faces.npz")


@pytest.fixture(scope="module")
def masks():
    """Of 200 faces that the bundled weights fitted to photographs, within 10° of straight ahead."""
    with np.load(FITTED, allow_pickle=False) as archive:
        theta = archive["parameters"].astype(np.float32)
    assert theta.shape == (FACES, 6 + GridModel.bundled().modes)
    geometry = FaceGeometry(GridModel.bundled(), 224, "depth", None)
    return geometry.visible(geometry.fit(theta))


def test_nothing_is_an_island(masks):
    pieces = [label(mask)[1] for mask in masks]
    assert max(pieces) == 1


def test_nothing_is_a_hole(masks):
    for mask in masks:
        around = np.pad(~mask, 1, constant_values=True)  # what is hidden at the rim is outside
        assert label(around)[1] == 1


def test_most_of_the_face_is_seen(masks):
    assert masks.mean(axis=(1, 2)).min() > 0.85


def test_the_insides_of_eyes_and_mouth_are_seen(masks):
    model = GridModel.bundled()
    for name in ("left_eye", "right_eye", "mouth"):
        assert masks.reshape(FACES, -1)[:, model.regions[name]].all()


def test_a_face_from_the_side_has_its_far_half_hidden():
    model = GridModel.bundled()
    geometry = FaceGeometry(model, 224, "depth", None)
    theta = np.zeros((2, 6 + model.modes), np.float32)
    theta[:, 1] = np.radians([80, -80])
    mask = geometry.visible(geometry.fit(theta))
    turned = axis_angle_to_matrix(tf.constant(theta[:, :3])).numpy()
    for face in range(2):
        far = (model.mean @ turned[face].T)[:, 2] > (model.mean @ turned[face].T)[:, 2].max() - 20
        assert mask[face].ravel()[far].mean() < 0.1
