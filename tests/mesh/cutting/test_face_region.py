"""From any head to one mirror-symmetric disc."""

import dataclasses

import igl
import numpy as np
import pytest

from keras_3dmmstn.mesh import ShapeModel, flatten_symmetric, resample
from keras_3dmmstn.mesh.cutting.face_region import cut_face, nose_tip
from keras_3dmmstn.mesh.cutting.mesh_cut import cut_at_zero, split_at_zero
from keras_3dmmstn.mesh.cutting.trimming import (
    check_surface,
    component_around,
    trim,
    without_pinches,
)
from keras_3dmmstn.mesh.flattening.flatten import check_disc, check_mirror
from keras_3dmmstn.mesh.landmark_sets import MIRROR
from keras_3dmmstn.mesh.model_to_grid import model_to_grid
from keras_3dmmstn.mesh.quality import mirror_errors
from keras_3dmmstn.mesh.readers import read
from tests.support.face_meshes import (
    toy_face,
    with_eyeballs,
    with_holes,
    with_mouth_cavity,
    without_symmetry,
)
from tests.support.paths import published_model


def assert_is_a_symmetric_disc(face):
    check_disc(face.triangles, len(face.mean))
    check_mirror(face.triangles, face.mirror)
    uv = flatten_symmetric(face.mean, face.triangles, face.mirror)
    assert np.isfinite(uv).all()


def distance_to_surface(points, model):
    squared, _, _ = igl.point_mesh_squared_distance(
        points.astype(float), model.mean.astype(float), model.triangles.astype(np.int64)
    )
    return np.sqrt(squared)


def test_a_symmetric_disc_stays_as_it_is():
    model = toy_face()
    face = cut_face(model, "all")
    np.testing.assert_array_equal(face.mean, model.mean)
    np.testing.assert_array_equal(face.basis, model.basis)
    np.testing.assert_array_equal(face.triangles, model.triangles)
    for name, points in model.landmarks.items():
        np.testing.assert_array_equal(face.landmarks[name], points)
    assert_is_a_symmetric_disc(face)


def test_holes_are_closed_and_other_pieces_dropped():
    model = with_eyeballs(with_holes(toy_face()))
    face = cut_face(model, "all")
    assert_is_a_symmetric_disc(face)
    assert face.mean[:, 2].max() <= model.mean[:-8, 2].max(), "the eyeballs are gone"
    # The caps span the holes: the middle of an eye has a vertex near it.
    assert np.linalg.norm(face.mean[:, :2] - [-31, -24], axis=1).min() < 2


def test_every_vertex_is_a_combination_of_old_ones_in_mean_and_basis_alike():
    model = without_symmetry(with_holes(toy_face()))
    basis = np.stack([model.mean, 0 * model.mean + 1])
    model = dataclasses.replace(model, basis=basis, identity_count=0)
    face = cut_face(model, "face")
    np.testing.assert_allclose(face.basis[0], face.mean, atol=1e-4)
    np.testing.assert_allclose(face.basis[1], 1, atol=1e-6)  # weights add up to 1


def test_a_mesh_without_symmetric_triangles_gets_them():
    model = dataclasses.replace(without_symmetry(toy_face()), landmarks={})
    face = cut_face(model, "all")
    assert_is_a_symmetric_disc(face)
    assert distance_to_surface(face.mean, model).max() < 1e-3
    errors = mirror_errors(face.mean, face.mirror)
    # The rim of this mesh ends up to 2.8 mm farther out on one side than on the other.
    assert errors.max() < 3
    assert errors[np.abs(face.mean[:, 0]) < 60].mean() < 0.2
    line = face.mirror == np.arange(len(face.mean))
    np.testing.assert_allclose(face.mean[line, 0], 0, atol=0.15 * 2.7)


def test_landmark_pairs_stay_exactly_where_they_are_and_become_mirror_images():
    model = without_symmetry(toy_face())
    face = cut_face(model, "all")
    for name, points in model.landmarks.items():
        paired = MIRROR[name] != np.arange(len(points))
        moved = np.linalg.norm(face.mean[face.landmarks[name]] - model.mean[points], axis=1)
        np.testing.assert_allclose(moved[paired], 0, atol=1e-4)
        assert moved.max() < 1.4, "by less than an edge where a vertex is split by the plane"
        images = face.mirror[face.landmarks[name][MIRROR[name]]]
        np.testing.assert_array_equal(images[paired], face.landmarks[name][paired])


def test_mirror_images_are_on_the_same_lip():
    # The lips nearly touch. A mode tells them apart: it moves the lower lip and the chin alone.
    model = with_holes(without_symmetry(toy_face(), 0.35))
    lower = model.mean[:, 1] > 50
    gap = np.abs(model.mean[:, 0]) < 14
    mean = model.mean.astype(float)
    close = gap & (np.abs(mean[:, 1] - 50) < 6)
    mean[close, 1] = 50 + 0.02 * (mean[close, 1] - 50)
    mode = np.zeros_like(mean)
    mode[lower, 0] = 1
    model = dataclasses.replace(model, mean=mean, basis=mode[None], identity_count=1, landmarks={})
    face = cut_face(model, "all")
    tag = face.basis[0, :, 0]
    sure = (tag == 0) | (tag == 1)
    # A vertex that is of one lip has an image of mostly the same lip; a tear would give 1.
    assert np.abs(tag[face.mirror] - tag)[sure].max() < 0.6


def test_dangling_triangles_are_trimmed():
    model = toy_face()
    boundary = igl.boundary_loop(model.triangles.astype(np.int64)).ravel()
    position = int(np.argmax(model.mean[boundary, 0]))
    a, b = int(boundary[position]), int(boundary[position - 1])
    tip = (model.mean[a] + model.mean[b]) / 2 + [4, 0, 0]
    ear = [a, b, len(model.mean)]
    edges = np.concatenate([model.triangles[:, [0, 1]], model.triangles[:, [1, 2]]])
    edges = np.concatenate([edges, model.triangles[:, [2, 0]]])
    if (edges == [a, b]).all(axis=1).any():
        ear = [b, a, len(model.mean)]
    model = dataclasses.replace(
        model,
        mean=np.concatenate([model.mean, [tip]]),
        basis=np.concatenate([model.basis, np.zeros((model.modes, 1, 3))], axis=1),
        triangles=np.concatenate([model.triangles, [ear]]),
    )
    face = cut_face(model, "all")
    assert len(face.mean) == len(model.mean) - 1
    assert_is_a_symmetric_disc(face)


def test_what_is_behind_a_chord_goes_too():
    # A strip of two triangles that hangs on one edge of a square of many.
    index = np.arange(16).reshape(4, 4)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    square = np.stack([a, c, d, a, d, b], axis=-1).reshape(-1, 3)
    strip = np.array([[1, 2, 16], [2, 17, 16]])
    kept = trim(np.concatenate([square, strip]))
    assert not np.isin([16, 17], kept).any()


def test_parts_that_touch_in_one_vertex_are_freed():
    # Two fans around vertex 0, three triangles and one.
    fans = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 5, 6]])
    np.testing.assert_array_equal(without_pinches(fans), fans[:3])


def test_a_cavity_is_cut_off_unless_it_is_kept():
    model = dataclasses.replace(with_mouth_cavity(toy_face()), landmarks={})
    kept = cut_face(model, "all", keep_cavities=True)
    closed = cut_face(model, "all")
    assert_is_a_symmetric_disc(closed)

    def deepest(face):
        return face.mean[np.hypot(face.mean[:, 0] / 14, (face.mean[:, 1] - 50) / 6) < 1, 2].max()

    assert deepest(kept) == deepest(model)
    assert deepest(closed) < deepest(model) - 10


def test_the_radius_is_kept_on_both_sides_alike():
    model = dataclasses.replace(without_symmetry(toy_face()), landmarks={})
    face = cut_face(model, "radius", radius=62, centre=(0.0, 0.0, -20.0))
    assert_is_a_symmetric_disc(face)
    rim = face.mean[igl.boundary_loop(face.triangles.astype(np.int64)).ravel()]
    distance = np.linalg.norm(rim - [0, 0, -20], axis=1)
    # Snapping to a vertex moves the rim by less than an edge of 7 mm.
    assert distance.min() > 62 - 2.5 and distance.max() < 62 + 2.5


def test_the_face_region_keeps_the_landmarks_and_drops_what_is_beyond():
    model = toy_face()
    face = cut_face(model, "face")
    assert_is_a_symmetric_disc(face)
    assert len(face.mean) < len(model.mean)
    inner = face.landmarks["ibug68"][17:]
    np.testing.assert_allclose(face.mean[inner], model.mean[model.landmarks["ibug68"][17:]])


def test_the_nose_tip_is_found_without_landmarks():
    model = toy_face()
    bare = dataclasses.replace(with_eyeballs(model), landmarks={})
    assert np.linalg.norm(bare.mean[nose_tip(bare)] - model.mean[nose_tip(model)]) < 8


def test_the_face_region_without_landmarks_is_refused():
    model = dataclasses.replace(toy_face(), landmarks={})
    with pytest.raises(ValueError, match="expected landmarks ibug68 or aflw21, received"):
        cut_face(model, "face")


def test_an_unknown_region_is_named():
    with pytest.raises(ValueError, match="face, radius, all, received 'head'"):
        cut_face(toy_face(), "head")


def test_an_empty_region_is_named():
    with pytest.raises(ValueError, match="no part of the face"):
        cut_face(toy_face(), "radius", radius=5, centre=(0.0, 0.0, 500.0))


def test_a_landmark_far_outside_is_named():
    with pytest.raises(ValueError, match=r"Landmark .*mm outside of the region"):
        cut_face(toy_face(), "radius", radius=40)


def test_a_component_without_the_vertex_is_refused():
    with pytest.raises(ValueError, match="vertex in a triangle"):
        component_around(np.array([[0, 1, 2]]), 7)


def test_half_a_face_is_refused():
    model = toy_face()
    left = model.triangles[(model.mean[model.triangles, 0] < -5).all(axis=1)]
    half = dataclasses.replace(model, triangles=left, landmarks={})
    with pytest.raises(ValueError, match="plane x = 0"):
        cut_face(half, "all")


def test_a_split_leaves_the_surface_as_it_is():
    model = without_symmetry(toy_face())
    weights, triangles, is_negative = split_at_zero(model.mean[:, 0], model.triangles)
    points = weights @ model.mean
    area = igl.doublearea(points.astype(float), triangles).sum()
    before = igl.doublearea(model.mean.astype(float), model.triangles.astype(np.int64)).sum()
    np.testing.assert_allclose(area, before, rtol=1e-6)
    check_disc(triangles, len(points))
    x = points[triangles, 0].mean(axis=1)
    assert (x[is_negative] < 0.1).all() and (x[~is_negative] > -0.1).all()


def test_a_cut_keeps_the_negative_side():
    model = toy_face()
    weights, triangles = cut_at_zero(model.mean[:, 1] - 10.0, model.triangles)
    points = weights @ model.mean
    assert points[:, 1].max() < 10 + 0.15 * 3.2
    check_disc(triangles, len(points))


def test_an_asymmetric_model_goes_onto_a_grid():
    model = without_symmetry(with_holes(toy_face()))
    built = model_to_grid(model, (40, 40))
    grid, points = built.grid_model, model.landmarks["ibug68"][17:]
    away = grid.mean[grid.landmarks["ibug68"][17:]] - model.mean[points]
    assert np.linalg.norm(away, axis=1).max() < 3.5  # a cell of this coarse grid
    assert grid.modes == model.modes


def test_landmarks_of_one_side_only_can_be_resampled():
    model = dataclasses.replace(toy_face(), landmarks={"own": [1000, 2000]})
    face = cut_face(model, "all")
    uv = flatten_symmetric(face.mean, face.triangles, face.mirror)
    grid = resample(face, uv, (64, 64))
    away = grid.mean[grid.landmarks["own"]] - model.mean[[1000, 2000]]
    assert np.linalg.norm(away, axis=1).max() < 0.1


@pytest.mark.parametrize(
    ("kind", "path", "largest_mirror_error"),
    [
        ("tddfa", "bfm_3ddfa_53215.npz", 1.0),
        ("ict", "ict/FaceXModel", 0.05),
        ("surrey", "sfm", 0.7),
    ],
)
def test_published_models_become_symmetric_discs(kind, path, largest_mirror_error):
    model = read(kind, published_model(path))
    face = cut_face(model)
    assert_is_a_symmetric_disc(face)
    assert mirror_errors(face.mean, face.mirror).mean() < largest_mirror_error
    inner = face.mean[face.landmarks["ibug68"][17:]] - model.mean[model.landmarks["ibug68"][17:]]
    np.testing.assert_allclose(inner, 0, atol=1e-3)


def inner_triangle(model):
    """The number of a triangle near the nose."""
    centres = model.mean[model.triangles].mean(axis=1)
    return int(np.argmin(np.linalg.norm(centres[:, :2], axis=1)))


def test_repeated_triangles_and_corners_are_dropped():
    model = toy_face()
    number = inner_triangle(model)
    more = [model.triangles[number], np.roll(model.triangles[number], 1), [3, 3, 4]]
    doubled = dataclasses.replace(model, triangles=np.concatenate([model.triangles, more]))
    np.testing.assert_array_equal(cut_face(doubled, "all").triangles, model.triangles)


def test_random_holes_of_which_many_touch_are_closed(rng):
    for model in (toy_face(), without_symmetry(toy_face())):
        kept = rng.random(len(model.triangles)) < 0.9
        holes = dataclasses.replace(model, triangles=model.triangles[kept], landmarks={})
        assert_is_a_symmetric_disc(cut_face(holes, "all"))


def test_a_fin_is_named():
    model = toy_face()
    a, b, _ = model.triangles[inner_triangle(model)]
    fin = dataclasses.replace(model, triangles=np.concatenate([model.triangles, [[a, b, 5]]]))
    with pytest.raises(ValueError, match="1 edges with more than two triangles"):
        cut_face(fin, "all")


def test_a_triangle_turned_over_is_named():
    model = toy_face()
    triangles = model.triangles.copy()
    number = inner_triangle(model)
    triangles[number] = triangles[number][::-1]
    with pytest.raises(ValueError, match="consistently oriented"):
        cut_face(dataclasses.replace(model, triangles=triangles), "all")


def test_a_model_without_triangles_is_refused():
    bare = dataclasses.replace(toy_face(), triangles=np.empty((0, 3), int), landmarks={})
    with pytest.raises(ValueError, match="no triangles"):
        cut_face(bare, "all")
    with pytest.raises(ValueError, match="no triangles"):
        check_surface(bare.triangles)


def test_a_model_without_area_is_refused():
    model = toy_face()
    with pytest.raises(ValueError, match="with an area"):
        cut_face(dataclasses.replace(model, mean=0 * model.mean), "all")


def test_a_closed_surface_is_refused_unless_it_is_cut():
    vertices, triangles = igl.icosahedron()
    for _ in range(3):
        vertices, triangles = igl.upsample(vertices, triangles)
    vertices = 90 * vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    ball = ShapeModel(vertices, np.zeros((1, len(vertices), 3)), triangles)
    with pytest.raises(ValueError, match="closed one"):
        cut_face(ball, "all")
    assert_is_a_symmetric_disc(cut_face(ball, "radius", radius=70))
