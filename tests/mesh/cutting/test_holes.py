import numpy as np
import pytest

from keras_3dmmstn.mesh.cutting.holes import boundary_loops, close_holes
from keras_3dmmstn.mesh.flattening.flatten import check_disc


def bowl_with_holes(n=16, holes=((0.4, 0.0), (-0.4, 0.0)), radius=0.21):
    """A bowl on an n x n grid of [-1, 1]², symmetric about x = 0, with round holes."""
    x, y = np.meshgrid(np.linspace(-1, 1, n + 1), np.linspace(-1, 1, n + 1))
    vertices = np.stack([x, y, -(1 - x**2 - y**2)], axis=-1).reshape(-1, 3)
    index = np.arange((n + 1) ** 2).reshape(n + 1, n + 1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate(
        [np.stack(corners, axis=-1).reshape(-1, 3) for corners in ((a, c, d), (a, d, b))]
    )
    middles = vertices[triangles].mean(axis=1)[:, :2]
    outside = np.all([np.linalg.norm(middles - h, axis=1) > radius for h in holes], axis=0)
    used, triangles = np.unique(triangles[outside], return_inverse=True)
    return vertices[used], triangles.reshape(-1, 3)


def test_closed_mesh_is_one_disc():
    vertices, triangles = bowl_with_holes()
    assert len(boundary_loops(triangles)) == 3
    weights, closed = close_holes(vertices, triangles)
    check_disc(closed, weights.shape[0])
    assert len(boundary_loops(closed)) == 1


def test_old_vertices_and_triangles_come_first_and_unchanged():
    vertices, triangles = bowl_with_holes()
    weights, closed = close_holes(vertices, triangles)
    np.testing.assert_array_equal((weights @ vertices)[: len(vertices)], vertices)
    np.testing.assert_array_equal(closed[: len(triangles)], triangles)


def test_each_new_vertex_is_a_mean_of_its_loop():
    vertices, triangles = bowl_with_holes()
    weights, _ = close_holes(vertices, triangles)
    new = weights.toarray()[len(vertices) :]
    assert len(new)
    assert new.min() >= 0
    np.testing.assert_allclose(new.sum(axis=1), 1, atol=1e-12)


def test_cap_of_a_flat_round_hole_is_flat_with_its_middle_in_the_middle():
    angles = np.arange(24) * 2 * np.pi / 24
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(24)], axis=1)
    vertices = np.concatenate([ring, 2 * ring])
    inner, outer = np.arange(24), 24 + np.arange(24)
    triangles = np.concatenate(
        [
            np.stack([inner, outer, np.roll(outer, -1)], axis=1),
            np.stack([inner, np.roll(outer, -1), np.roll(inner, -1)], axis=1),
        ]
    )
    weights, closed = close_holes(vertices, triangles)
    points = weights @ vertices
    np.testing.assert_allclose(points[-1], 0, atol=1e-12)
    normals = np.cross(*(points[closed[:, k]] - points[closed[:, 0]] for k in (1, 2)))
    assert np.all(normals[:, 2] > 0), "no triangle of the cap is folded or turned over"


def test_middle_of_a_cap_lies_at_its_apex():
    vertices, triangles = bowl_with_holes()
    apex = np.array([0.4, 0.0, -5.0])
    weights, closed = close_holes(np.vstack([vertices, apex]), triangles, [len(vertices)])
    points = weights @ np.vstack([vertices, apex])
    reached = np.linalg.norm(points[len(vertices) + 1 :] - apex, axis=1).min()
    assert reached < 1e-12
    other_cap = points[np.unique(closed)]
    other_cap = other_cap[other_cap[:, 0] < 0]
    assert other_cap[:, 2].min() >= -1.0, "the other hole does not follow the apex"


def test_closed_mesh_is_refused():
    tetrahedron = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    with pytest.raises(ValueError, match="boundary"):
        close_holes(np.eye(4, 3), tetrahedron)


def test_boundary_loop_runs_along_its_triangles_edges():
    (loop,) = boundary_loops(np.array([[5, 1, 2], [5, 2, 3]]))
    assert loop.tolist() == [1, 2, 3, 5]


def test_a_mesh_without_holes_stays_as_it_is():
    triangles = np.array([[0, 1, 2]])
    weights, closed = close_holes(np.eye(3), triangles, apexes=[0])
    np.testing.assert_array_equal(weights.toarray(), np.eye(3))
    np.testing.assert_array_equal(closed, triangles)
