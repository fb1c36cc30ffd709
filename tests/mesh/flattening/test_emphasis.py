"""More room for eyes and mouth."""

import numpy as np
import pytest

from keras_3dmmstn.mesh.flattening.emphasis import feature_magnification
from keras_3dmmstn.mesh.flattening.flatten import flatten_symmetric
from keras_3dmmstn.mesh.flattening.least_distortion import flatten_least_distorted
from keras_3dmmstn.mesh.model_to_grid import model_to_grid
from keras_3dmmstn.mesh.quality import feature_shares
from keras_3dmmstn.mesh.synthetic import toy_shape_model


@pytest.fixture(scope="module")
def face():
    return toy_shape_model(41, 41)


def test_it_agrees_with_plain_loops(face):
    vertices, landmarks = face.mean.astype(float), face.landmarks["ibug68"]
    found = feature_magnification(vertices, landmarks, 0.7)
    bumps = (
        (range(36, 48), 0.6, 12), (range(48, 60), 0.95, 10), ((33,), 0.25, 60),
        (range(27, 36), -0.45, 15),
    )  # fmt: skip
    for vertex in range(0, len(vertices), 97):
        expected = 1.0
        for points, gain, radius in bumps:
            nearest = min(np.linalg.norm(vertices[vertex] - vertices[landmarks[p]]) for p in points)
            expected += 0.7 * gain * np.exp(-((nearest / radius) ** 2))
        assert found[vertex] == pytest.approx(expected)


def test_no_emphasis_is_1_everywhere_and_much_stays_positive(face):
    landmarks = face.landmarks["ibug68"]
    np.testing.assert_array_equal(feature_magnification(face.mean, landmarks, 0), 1)
    assert feature_magnification(face.mean, landmarks, 50).min() > 0


def test_eyes_and_mouth_take_more_of_the_square(face):
    start = flatten_symmetric(face.mean, face.triangles, face.mirror)
    shares = {}
    for emphasis in (0, 1):
        room = feature_magnification(face.mean, face.landmarks["ibug68"], emphasis)
        uv = flatten_least_distorted(
            face.mean, face.triangles, face.mirror, room, start=start, iterations=15
        )
        shares[emphasis] = feature_shares(uv, face.landmarks["ibug68"])
    for feature in ("eyes", "mouth"):
        assert shares[1][feature] > 1.2 * shares[0][feature]


def test_rejects_an_emphasis_that_does_not_go_with_the_rest(face):
    with pytest.raises(ValueError, match=r"`emphasis` from 0 to 2.*received 3 with 'least-dist"):
        model_to_grid(face, region="all", flattening="least-distortion", emphasis=3)
    with pytest.raises(ValueError, match=r'0 with the flattening "tutte", received 1 with'):
        model_to_grid(face, region="all", emphasis=1)
