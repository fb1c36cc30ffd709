"""Ray casting on grids, and the table made with it."""

import numpy as np
import pytest

from keras_3dmmstn.mesh import occlusion_table
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.mesh.visibility.occlusion_table import table_directions
from keras_3dmmstn.mesh.visibility.ray_casting import grid_normals, occluded_vertices
from tests.support import naive


@pytest.fixture(scope="module")
def face():
    return toy_grid_model((24, 20))


def test_normal_of_a_grid_that_faces_the_viewer_is_towards_the_viewer():
    plane = np.array([[x, y, 0.0] for y in range(3) for x in range(4)])
    np.testing.assert_array_equal(grid_normals(plane, (3, 4)), [[0, 0, -1]] * 12)


def test_normal_of_a_collapsed_grid_is_zero():
    np.testing.assert_array_equal(grid_normals(np.ones((12, 3)), (3, 4)), np.zeros((12, 3)))


@pytest.mark.parametrize("turn", [(0.0, 1.1, 0.0), (0.3, -0.8, 0.5), (0.8, 0.3, 0.1)])
def test_rays_hide_what_plain_loops_hide(face, turn):
    rotation = naive.rotation_matrix(turn)
    vertices = face.mean.astype(float)
    normals = grid_normals(vertices, face.grid_shape)
    occluded = occluded_vertices(vertices, face.triangles, normals, -rotation[2:])
    assert occluded.shape == (1, 480)
    visible = (normals @ -rotation[2] > 0) & ~occluded[0]
    expected = naive.visible_vertices(vertices @ rotation.T, face.triangles, face.grid_shape)
    # The loops pass by triangles of the vertex, the rays start 0.1 mm above it.
    assert (visible.reshape(face.grid_shape) != expected).sum() <= 2


def test_what_faces_away_is_not_called_occluded(face):
    normals = grid_normals(face.mean, face.grid_shape)
    directions = table_directions(5, 9).reshape(-1, 3)
    occluded = occluded_vertices(face.mean, face.triangles, normals, directions)
    assert occluded.any()
    assert not (occluded & (directions @ normals.T <= 0)).any()


def test_directions_start_above_and_come_round_from_the_back():
    directions = table_directions(5, 9)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1)
    np.testing.assert_allclose(directions[0], [[0, -1, 0]] * 9, atol=1e-15)
    np.testing.assert_allclose(directions[2, 0], [0, 0, 1], atol=1e-15)
    np.testing.assert_allclose(directions[2, 4], [0, 0, -1], atol=1e-15)
    np.testing.assert_allclose(directions[2, 6], [1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(directions[2, 8], directions[2, 0], atol=1e-15)


def test_table_holds_what_the_rays_say(face):
    table = occlusion_table(face, step=30.0)
    assert table.shape == (7, 13, 60) and table.dtype == np.uint8
    normals = grid_normals(face.mean, face.grid_shape)
    for row, column in [(2, 4), (3, 8), (4, 6)]:
        direction = table_directions(7, 13)[row, column]
        occluded = occluded_vertices(face.mean, face.triangles, normals, direction[None])[0]
        bits = np.unpackbits(table[row, column], bitorder="little")
        np.testing.assert_array_equal(bits, occluded)


@pytest.mark.parametrize("step", [0.0, -10.0, 7.0, 360.0])
def test_steps_that_do_not_divide_the_half_turn_are_rejected(face, step):
    with pytest.raises(ValueError, match=r"`step` to divide 180 degrees, received"):
        occlusion_table(face, step)
