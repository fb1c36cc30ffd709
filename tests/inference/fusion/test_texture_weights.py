"""The weights of texels, against a loop over the texels of a turned face."""

import numpy as np
import pytest

from keras_3dmmstn.inference.fusion.texture_weights import texture_weights
from tests.support.faces_with_labels import BOX, normaliser_that_says


@pytest.fixture(scope="module")
def photograph():
    return np.random.default_rng(0).integers(0, 256, (200, 240, 3)).astype(np.uint8)


def one_sided(values, index, axis):
    """The difference of `values` along an axis at a place: central, or one-sided at an end."""
    low, high = list(index), list(index)
    low[axis], high[axis] = max(index[axis] - 1, 0), min(index[axis] + 1, values.shape[axis] - 1)
    return (values[tuple(high)] - values[tuple(low)]) / (high[axis] - low[axis])


def test_weights_are_visibility_angle_and_size_in_the_photograph(photograph):
    (face,) = normaliser_that_says((0, 2, 0.2))(photograph, [BOX])
    weights = texture_weights(face)
    points = face.points.reshape(24, 24, 2)
    posed = np.array([face.rotation_matrix @ v for v in face.vertices]).reshape(24, 24, 3)
    for place in np.ndindex(24, 24):
        down, along = (one_sided(posed, place, axis) for axis in (0, 1))
        normal = np.cross(along, down)
        cosine = normal[2] / np.linalg.norm(normal)
        (dy, dx) = (one_sided(points, place, axis) for axis in (0, 1))
        pixels = abs(dx[0] * dy[1] - dx[1] * dy[0])
        expected = cosine**2 * pixels if face.mask[place] else 0
        assert weights[place] == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_what_faces_the_viewer_counts_most(photograph):
    frontal, turned = (normaliser_that_says(raw)(photograph, [BOX])[0] for raw in ((), (0, 2, 0.2)))
    columns = [texture_weights(face).sum(axis=0) for face in (frontal, turned)]
    np.testing.assert_allclose(columns[0], columns[0][::-1], rtol=0.02)
    left, right = columns[1][:12].sum(), columns[1][12:].sum()
    assert max(left, right) > 3 * min(left, right)


def test_a_larger_photograph_counts_more_by_its_pixels(photograph):
    normaliser = normaliser_that_says()
    (small,), (large,) = (
        normaliser(np.repeat(np.repeat(photograph, zoom, 0), zoom, 1), [BOX * zoom])
        for zoom in (1, 3)
    )
    ratio = texture_weights(large).sum() / texture_weights(small).sum()
    assert ratio == pytest.approx(9, rel=0.02)


def test_weights_have_the_size_of_the_texture(photograph):
    normaliser = normaliser_that_says((0, 2, 0.2))
    (coarse,) = normaliser(photograph, [BOX])
    normaliser.texture_size = 93  # 4 texels for each step of the grid
    (fine,) = normaliser(photograph, [BOX])
    weights = texture_weights(fine)
    assert weights.shape == (93, 93)
    inner = texture_weights(coarse)[4:-4, 4:-4]
    np.testing.assert_allclose(16 * weights[16:-16:4, 16:-16:4], inner, rtol=0.3, atol=0.5)
