import numpy as np
import pytest

from keras_3dmmstn.mesh.flattening.symmetry import find_mirror


def symmetric_sheet(columns=6, rows=5):
    """A sheet of triangles, its diagonals mirrored about x = 0, and its true mirror map."""
    x, y = np.meshgrid(np.linspace(-1, 1, columns + 1), np.linspace(0, 1, rows + 1))
    vertices = np.stack([x, y, x**2 + 0.3 * y], axis=-1).reshape(-1, 3)
    index = np.arange(vertices.shape[0]).reshape(rows + 1, columns + 1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    left = np.arange(columns) < columns // 2
    first = np.where(left[:, None], np.stack([a, c, d], -1), np.stack([a, c, b], -1))
    second = np.where(left[:, None], np.stack([a, d, b], -1), np.stack([b, c, d], -1))
    triangles = np.concatenate([first, second]).reshape(-1, 3)
    return vertices, triangles, index[:, ::-1].ravel()


def test_finds_the_mirror_image_of_every_vertex():
    vertices, triangles, expected = symmetric_sheet()
    np.testing.assert_array_equal(find_mirror(vertices, triangles), expected)


def test_positions_need_be_symmetric_only_roughly():
    vertices, triangles, expected = symmetric_sheet()
    noise = np.random.default_rng(0).normal(scale=0.08, size=vertices.shape)
    np.testing.assert_array_equal(find_mirror(vertices + noise, triangles), expected)


def test_asymmetric_connectivity_is_refused():
    vertices, triangles, _ = symmetric_sheet()
    with pytest.raises(ValueError, match="mirror symmetric"):
        find_mirror(vertices, triangles[1:])
