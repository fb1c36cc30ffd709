"""The re-meshing on a regular grid."""

import dataclasses

import igl
import numpy as np
import pytest

from keras_3dmmstn.mesh import resample
from keras_3dmmstn.mesh.synthetic import toy_grid_model

GRIDS = [(32, 32), (33, 41), (40, 25), (112, 112)]


@pytest.mark.parametrize("grid_shape", GRIDS)
def test_grid_vertices_lie_on_the_surface(face, uv, grid_shape):
    grid = resample(face, uv, grid_shape)
    squared, *_ = igl.point_mesh_squared_distance(
        grid.mean.astype(float), face.mean.astype(float), face.triangles.astype(np.int64)
    )
    assert np.sqrt(squared.max()) < 1e-3  # millimetres; the contract is 0.1


@pytest.mark.parametrize("grid_shape", GRIDS)
def test_mean_is_mirror_symmetric(face, uv, grid_shape):
    grid = resample(face, uv, grid_shape)
    np.testing.assert_allclose(grid.mean[grid.mirror], grid.mean * [-1, 1, 1], atol=1e-6)


def test_corners_of_the_grid_are_corners_of_the_square(face, uv):
    grid = resample(face, uv, (20, 30))
    for index, corner in [(0, [0, 0]), (29, [1, 0]), (570, [0, 1]), (599, [1, 1])]:
        vertex = np.flatnonzero((uv == corner).all(axis=1))[0]
        np.testing.assert_allclose(grid.mean[index], face.mean[vertex], atol=1e-4)


def test_basis_is_resampled_like_the_mean(face, uv):
    # A basis vector equal to the mean must be resampled to the mean.
    same = dataclasses.replace(face, basis=face.mean[None], identity_count=1)
    grid = resample(same, uv, (32, 32))
    np.testing.assert_allclose(grid.basis[0], grid.mean, atol=1e-4)


def test_vertex_without_a_landmark_is_the_barycentric_mixture_at_its_place(face, uv):
    grid = resample(dataclasses.replace(face, landmarks={}), uv, (32, 32))
    place = np.array([5 / 31, 20 / 31])
    for triangle in face.triangles:
        corners = np.concatenate([uv[triangle], np.ones((3, 1))], axis=1)
        weights = np.linalg.solve(corners.T, [*place, 1.0])
        if (weights >= -1e-9).all():
            expected = weights @ face.mean[triangle]
            np.testing.assert_allclose(grid.mean[20 * 32 + 5], expected, atol=1e-3)
            return
    pytest.fail("no triangle holds the place")


def test_landmarks_keep_their_place(face, uv):
    grid = resample(face, uv, (113, 113))  # an odd grid has a column on the symmetry line
    for name, indices in face.landmarks.items():
        np.testing.assert_allclose(
            grid.mean[grid.landmarks[name]], face.mean[indices], atol=1e-3, err_msg=name
        )


def test_landmarks_on_the_symmetry_line_are_off_by_half_a_cell_on_an_even_grid(face, uv):
    grid = resample(face, uv, (112, 112))
    offset = grid.mean[grid.landmarks["ibug68"]] - face.mean[face.landmarks["ibug68"]]
    distance = np.linalg.norm(offset, axis=1)
    on_line = np.isin(np.arange(68), [8, 27, 28, 29, 30, 33, 51, 57, 62, 66])
    assert distance[~on_line].max() < 1e-3
    assert distance[on_line].max() < 2.0  # half of a cell of some 3 mm, and the slope


def test_different_landmarks_get_different_vertices(face, uv):
    grid = resample(face, uv, (48, 48))
    assert len(set(grid.landmarks["ibug68"].tolist())) == 68


def test_names_and_counts_are_carried_over(face, uv):
    grid = resample(face, uv, (32, 32))
    assert (grid.name, grid.identity_count, grid.modes) == ("toy face", 3, 6)


def test_triangles_of_the_grid_face_outward_and_mirror_each_other():
    grid = toy_grid_model((12, 15))
    a, b, c = (grid.mean[grid.triangles[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] < 0).all()
    as_sets = {frozenset(t) for t in grid.triangles.tolist()}
    assert {frozenset(grid.mirror[list(t)].tolist()) for t in as_sets} == as_sets
    assert len(as_sets) == 2 * 11 * 14


def test_without_a_mirror_map_the_whole_is_computed(face, uv):
    lopsided = dataclasses.replace(face, mirror=None)
    grid, mirrored = resample(lopsided, uv, (33, 33)), resample(face, uv, (33, 33))
    # The toy face is symmetric: nothing else comes out, up to where landmarks moved vertices.
    distance = np.linalg.norm(grid.mean - mirrored.mean, axis=1)
    assert np.median(distance) < 1e-3 and distance.max() < 6  # millimetres, about a cell
    np.testing.assert_allclose(
        grid.mean[grid.landmarks["ibug68"]], face.mean[face.landmarks["ibug68"]], atol=5
    )


def test_uv_of_another_mesh_is_refused(face, uv):
    with pytest.raises(ValueError, match=r"received \(10, 2\)"):
        resample(face, uv[:10], (32, 32))


def test_a_grid_without_cells_is_refused(face, uv):
    with pytest.raises(ValueError, match="at least 2 x 2"):
        resample(face, uv, (1, 32))


def test_a_grid_with_fewer_vertices_than_landmarks_is_refused(face, uv):
    with pytest.raises(ValueError, match=r"4 x 4 .* landmarks"):
        resample(face, uv, (4, 4))


def test_a_grid_of_one_cell_is_the_four_corners(face, uv):
    grid = resample(dataclasses.replace(face, landmarks={}), uv, (2, 2))
    corners = [np.flatnonzero((uv == c).all(axis=1))[0] for c in ([0, 0], [1, 0], [0, 1], [1, 1])]
    np.testing.assert_allclose(grid.mean, face.mean[corners], atol=1e-4)
