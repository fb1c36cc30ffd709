"""The flattening on the unit square."""

import igl
import numpy as np
import pytest
import scipy.sparse

from keras_3dmmstn.mesh import flatten_symmetric


def signed_areas(uv, triangles):
    a, b, c = (uv[triangles[:, k]] for k in range(3))
    return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]


def test_no_triangle_is_flipped_or_degenerate(face, uv):
    areas = signed_areas(uv, face.triangles)
    assert (areas < -1e-9).all(), "outward triangles turn clockwise where v points down"


def test_the_square_is_filled(face, uv):
    assert uv.min() == 0 and uv.max() == 1
    np.testing.assert_allclose(-signed_areas(uv, face.triangles).sum() / 2, 1.0, atol=1e-12)


def test_boundary_goes_to_the_square_and_nothing_else_does(face, uv):
    on_square = (uv == 0).any(axis=1) | (uv == 1).any(axis=1)
    assert set(np.flatnonzero(on_square)) == set(igl.boundary_loop(face.triangles).ravel())


def test_four_vertices_are_the_corners(uv):
    for corner in ([0, 0], [0, 1], [1, 0], [1, 1]):
        assert (uv == corner).all(axis=1).sum() == 1


def test_mirror_images_are_reflected(face, uv):
    np.testing.assert_allclose(uv[face.mirror], uv * [-1, 1] + [1, 0], atol=1e-12)


def test_symmetry_line_is_the_middle_from_top_to_bottom(face, uv):
    line = np.flatnonzero(face.mirror == np.arange(len(face.mirror)))
    line = line[np.argsort(face.mean[line, 1])]
    np.testing.assert_array_equal(uv[line, 0], 0.5)
    assert uv[line[0], 1] == 0 and uv[line[-1], 1] == 1
    assert (np.diff(uv[line, 1]) > 0).all()


def test_forehead_is_up_and_image_left_is_left(face, uv):
    assert uv[np.argmin(face.mean[:, 1]), 1] == 0
    assert uv[np.argmin(face.mean[:, 0]), 0] < 0.5


def test_inner_vertices_and_the_line_are_in_conformal_equilibrium(face):
    # Sheared so that the diagonals are the short ones, and their cotangents positive: weights that
    # are too small for Tutte's theorem are raised and would not obey the equation below.
    x, y, _ = face.mean.T
    vertices = face.mean + np.stack([0 * x, -0.5 * np.abs(x) * np.tanh(y / 20), 0 * x], axis=1)
    vertices = vertices.astype(float)
    uv = flatten_symmetric(vertices, face.triangles, face.mirror)

    # The weights straight from the definition: half the cotangents of the opposite angles.
    weights = scipy.sparse.lil_matrix((len(vertices), len(vertices)))
    for triangle in face.triangles:
        for k in range(3):
            i, j, o = triangle[k], triangle[(k + 1) % 3], triangle[(k + 2) % 3]
            a, b = vertices[i] - vertices[o], vertices[j] - vertices[o]
            cotangent = a @ b / np.linalg.norm(np.cross(a, b)) / 2
            weights[i, j] += cotangent
            weights[j, i] += cotangent
    weights = weights.tocsr()
    boundary = set(igl.boundary_loop(face.triangles).ravel())
    on_line = face.mirror == np.arange(len(vertices))
    checked = {True: 0, False: 0}
    for vertex in range(len(vertices)):
        row = weights[vertex]
        if vertex in boundary or row.data.min() < 0.05:
            continue
        force = row.data @ (uv[row.indices] - uv[vertex])
        np.testing.assert_allclose(force, 0, atol=1e-9)
        checked[bool(on_line[vertex])] += 1
    assert checked[False] > 1500 and checked[True] > 20, checked


def test_stays_unflipped_where_cotangents_are_negative(face):
    # Squeezed to a fifth in height, the triangles have very obtuse angles.
    squeezed = face.mean * [1, 0.2, 1]
    uv = flatten_symmetric(squeezed, face.triangles, face.mirror)
    assert (signed_areas(uv, face.triangles) < 0).all()


def without(triangles, *removed):
    return np.delete(triangles, removed, axis=0)


def inner_triangle(face):
    """The number of a triangle far from the boundary."""
    centres = face.mean[face.triangles].mean(axis=1)
    return int(np.argmin(np.linalg.norm(centres - centres.mean(axis=0), axis=1)))


def test_a_hole_is_named(face):
    with pytest.raises(ValueError, match=r"2 boundary loops.*Close the holes"):
        flatten_symmetric(face.mean, without(face.triangles, inner_triangle(face)), face.mirror)


def test_a_closed_surface_is_named():
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    triangles = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    with pytest.raises(ValueError, match="0 boundary loops"):
        flatten_symmetric(corners, triangles, np.array([0, 1, 2, 3]))


def test_several_pieces_are_named(face):
    count = len(face.mean)
    twice = np.concatenate([face.triangles, face.triangles + count])
    mirror = np.concatenate([face.mirror, face.mirror + count])
    with pytest.raises(ValueError, match="2 pieces"):
        flatten_symmetric(np.concatenate([face.mean, face.mean + 500]), twice, mirror)


def test_a_surface_with_a_handle_is_named():
    # A torus with one square cut out: one boundary loop, but no disc.
    n = 8
    index = np.arange(n * n).reshape(n, n)
    a, b = index, np.roll(index, -1, axis=1)
    c, d = np.roll(index, -1, axis=0), np.roll(index, (-1, -1), axis=(0, 1))
    triangles = np.stack([a, c, d, a, d, b], axis=-1).reshape(-1, 3)[2:]
    angle = 2 * np.pi * np.arange(n) / n
    ring, tube = np.meshgrid(angle, angle, indexing="ij")
    radius = 3 + np.cos(tube)
    vertices = np.stack([radius * np.cos(ring), radius * np.sin(ring), np.sin(tube)], axis=-1)
    with pytest.raises(ValueError, match="handles"):
        flatten_symmetric(vertices.reshape(-1, 3), triangles, np.arange(n * n))


def test_an_edge_with_three_triangles_is_named(face):
    a, b, _ = face.triangles[0]
    fin = np.array([[a, b, len(face.mean)]])
    vertices = np.concatenate([face.mean, [[0, 0, -500]]])
    mirror = np.append(face.mirror, len(face.mean))
    with pytest.raises(ValueError, match="more than two triangles"):
        flatten_symmetric(vertices, np.concatenate([face.triangles, fin, fin[:, ::-1]]), mirror)


def test_triangles_turned_over_are_named(face):
    triangles = face.triangles.copy()
    triangles[inner_triangle(face)] = triangles[inner_triangle(face)][::-1]
    with pytest.raises(ValueError, match="consistently oriented"):
        flatten_symmetric(face.mean, triangles, face.mirror)


def test_loose_vertices_are_named(face):
    vertices = np.concatenate([face.mean, [[0, 0, 0]]])
    mirror = np.append(face.mirror, len(face.mean))
    with pytest.raises(ValueError, match="1 loose vertices"):
        flatten_symmetric(vertices, face.triangles, mirror)


def test_indices_out_of_range_are_named(face):
    with pytest.raises(ValueError, match="number vertices 0 to"):
        flatten_symmetric(face.mean[:-1], face.triangles, face.mirror[:-1])


def test_triangles_of_another_shape_are_named(face):
    with pytest.raises(ValueError, match="of shape"):
        flatten_symmetric(face.mean, face.triangles.ravel(), face.mirror)


def test_a_mirror_that_is_no_involution_is_named(face):
    with pytest.raises(ValueError, match="involution"):
        flatten_symmetric(face.mean, face.triangles, np.roll(np.arange(len(face.mean)), 1))


def test_an_asymmetric_triangulation_is_named(face):
    # Turn the diagonal of one quadrilateral on one side only.
    triangles = face.triangles.copy()
    a, c, d = triangles[0]
    b = triangles[1][2]
    triangles[0], triangles[1] = [a, c, b], [b, c, d]
    with pytest.raises(ValueError, match=r"4 of .* triangles have no mirror image"):
        flatten_symmetric(face.mean, triangles, face.mirror)


def test_a_mesh_without_a_symmetry_line_is_named():
    # Two triangles that mirror each other across an edge that crosses the plane x = 0.
    vertices = np.array([[-1, 0, 0], [1, 0, 0], [-1, 1, 0], [1, 1, 0.0]])
    triangles = np.array([[0, 2, 1], [1, 2, 3]])
    with pytest.raises(ValueError, match=r"no mirror image|symmetry line"):
        flatten_symmetric(vertices, triangles, np.array([1, 0, 3, 2]))


def test_a_triangle_in_a_corner_of_the_boundary_is_named(face):
    # Its three vertices lie on one side of the square: nothing can keep it from collapsing.
    boundary = igl.boundary_loop(face.triangles).ravel()
    middle = boundary[np.argmin(np.abs(face.mean[boundary, 1]) - face.mean[boundary, 0] * 1e-6)]
    position = int(np.flatnonzero(boundary == middle)[0])
    a, b = int(boundary[position]), int(boundary[(position + 1) % len(boundary)])
    count = len(face.mean)
    tip = (face.mean[a] + face.mean[b]) / 2 + [np.sign(face.mean[a, 0]) * 5, 0, 0]
    ear = [[b, a, count], [face.mirror[a], face.mirror[b], count + 1]]
    vertices = np.concatenate([face.mean, [tip, tip * [-1, 1, 1]]])
    mirror = np.concatenate([face.mirror, [count + 1, count]])
    with pytest.raises(ValueError, match="trims those"):
        flatten_symmetric(vertices, np.concatenate([face.triangles, ear]), mirror)


def test_the_mirror_map_is_found_where_none_is_given(face, uv):
    np.testing.assert_array_equal(flatten_symmetric(face.mean, face.triangles), uv)


def test_a_mesh_without_symmetry_is_named(face):
    # Split one triangle in three: its mirror image stays whole.
    number = 10
    a, b, c = face.triangles[number]
    middle = len(face.mean)
    triangles = np.delete(face.triangles, number, axis=0)
    triangles = np.concatenate([triangles, [[a, b, middle], [b, c, middle], [c, a, middle]]])
    vertices = np.concatenate([face.mean, face.mean[[a, b, c]].mean(axis=0)[None]])
    with pytest.raises(ValueError, match="mirror symmetric"):
        flatten_symmetric(vertices, triangles)


@pytest.mark.parametrize("falling", [True, False])
def test_a_rectangle_is_flattened_whichever_way_its_diagonals_run(falling):
    rows, columns = 21, 25
    index = np.arange(rows * columns).reshape(rows, columns)
    x, y = np.meshgrid(np.linspace(-60, 60, columns), np.linspace(-80, 80, rows))
    vertices = np.stack([x, y, 0.01 * (x**2 + y**2)], axis=-1).reshape(-1, 3)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    one = np.stack([a, c, d, a, d, b], axis=-1)
    other = np.stack([a, c, b, b, c, d], axis=-1)
    in_left_half = np.arange(columns - 1) < (columns - 1) / 2
    triangles = np.where((in_left_half == falling)[:, None], one, other).reshape(-1, 3)
    uv = flatten_symmetric(vertices, triangles)
    assert (signed_areas(uv, triangles) < 0).all()


def test_vertices_that_are_not_finite_are_named(face):
    vertices = face.mean.copy()
    vertices[7, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        flatten_symmetric(vertices, face.triangles, face.mirror)


def test_a_mirror_out_of_range_is_named(face):
    with pytest.raises(ValueError, match="involution"):
        flatten_symmetric(face.mean, face.triangles, np.full(len(face.mean), 99999))
