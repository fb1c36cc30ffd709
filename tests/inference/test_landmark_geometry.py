import numpy as np
import pytest

from keras_3dmmstn.inference.landmark_geometry import LandmarkGeometry
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.localiser_answers import Answers
from tests.support.small_network import landmarks_of


@pytest.fixture(scope="module")
def grid_model():
    return GridModel.bundled()


def thetas(rng, modes, count=6):
    """θ of any pose, in a crop of 224 pixels."""
    turned = rng.uniform(-1.2, 1.2, (count, 3))
    placed = rng.uniform(100, 120, (count, 2))
    return np.column_stack(
        [turned, placed, rng.uniform(-0.6, 0.2, count), rng.normal(size=(count, modes))]
    )


def test_landmarks_are_those_of_the_whole_face(grid_model, rng):
    theta = thetas(rng, grid_model.modes)
    fitted = Normaliser.pretrained()._fitter.generate(Answers(theta.astype(np.float32)))
    np.testing.assert_allclose(
        LandmarkGeometry(grid_model)(theta), fitted.landmarks("ibug68"), atol=1e-3
    )


def test_landmarks_are_those_of_a_plain_loop(grid_model, rng):
    from scipy.spatial.transform import Rotation

    for theta, landmarks in zip(
        (many := thetas(rng, grid_model.modes, 3)), LandmarkGeometry(grid_model)(many), strict=True
    ):
        rotation = Rotation.from_rotvec(theta[:3]).as_matrix()
        face = grid_model.mean + sum(
            weight * mode for weight, mode in zip(theta[6:], grid_model.basis, strict=True)
        )
        points = np.array([np.exp(theta[5]) * (rotation @ v)[:2] + theta[3:5] for v in face])
        np.testing.assert_allclose(landmarks, landmarks_of(grid_model, points, rotation), atol=1e-3)
