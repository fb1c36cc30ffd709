"""Faces fitted to crops: the same as the network's own."""

import numpy as np
import pytest

from keras_3dmmstn import ops
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.inference.fitted_faces import FaceGeometry
from tests.support.small_network import SIZE, small_normaliser

# Positions of up to 200 pixels in float32, through some ten operations.
CLOSE = 1e-3


@pytest.fixture(scope="module")
def normaliser():
    return small_normaliser()


@pytest.fixture
def crops(rng):
    return rng.uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)


def test_landmarks_are_those_of_the_network(normaliser, crops):
    network = trained_network(normaliser, "ibug68+aflw21")
    expected = network(crops, training=False)
    fitted = normaliser.fit(crops)
    assert len(fitted) == 3
    np.testing.assert_allclose(fitted.parameters, expected["parameters"], atol=1e-4)
    received = np.concatenate([fitted.landmarks(name) for name in ("ibug68", "aflw21")], axis=1)
    np.testing.assert_allclose(received, expected["landmarks"], atol=CLOSE)
    fixed = normaliser.grid_model.landmarks["ibug68"]
    assert np.any(fitted.landmark_indices["ibug68"] != fixed), "the case must move the jaw"


@pytest.mark.parametrize("visibility", ["depth", "normals", "table"])
def test_masks_are_those_of_the_network(visibility, normaliser, crops):
    expected = trained_network(normaliser, visibility=visibility)(crops, training=False)["mask"]
    geometry = FaceGeometry(normaliser.grid_model, SIZE, visibility, None)
    mask = geometry.visible(normaliser.fit(crops))
    np.testing.assert_array_equal(mask, np.asarray(expected)[..., 0] > 0)
    assert 0 < mask.mean() < 1


def test_vertices_and_rotations_are_those_of_the_parameters(normaliser, crops):
    fitted = normaliser.fit(crops)
    for theta, vertices, rotation in zip(
        fitted.parameters, fitted.vertices, fitted.rotations, strict=True
    ):
        np.testing.assert_allclose(vertices, normaliser.grid_model.shape(theta[6:]), atol=CLOSE)
        np.testing.assert_allclose(rotation, ops.axis_angle_to_matrix(theta[:3]), atol=1e-6)


def test_faces_do_not_depend_on_how_many_there_are(normaliser, rng):
    crops = rng.integers(0, 256, (5, SIZE, SIZE, 3), np.uint8)
    together = normaliser.fit(crops)
    visible = normaliser._fitter._geometry.visible(together)
    for number in range(5):
        alone = normaliser.fit(crops[number : number + 1])
        np.testing.assert_array_equal(alone.points[0], together.points[number])
        np.testing.assert_array_equal(
            normaliser._fitter._geometry.visible(alone)[0], visible[number]
        )
    assert len(normaliser.fit(crops[:0])) == 0
