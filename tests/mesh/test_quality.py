"""The measures of a flattening, at maps whose singular values are known."""

import dataclasses

import numpy as np
import pytest

from keras_3dmmstn.mesh.model_to_grid import model_to_grid
from keras_3dmmstn.mesh.quality import (
    feature_shares,
    grid_uv,
    landmark_asymmetries,
    measure_distortion,
    mirror_errors,
)
from keras_3dmmstn.mesh.readers import read
from keras_3dmmstn.mesh.synthetic import toy_grid_model, toy_shape_model
from tests.support.paths import published_model


@pytest.fixture
def square():
    """A unit square of two triangles, tilted in space."""
    uv = np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0][:2]
    return uv @ turn * 40, np.array([[0, 1, 2], [1, 3, 2]]), uv


def test_a_similarity_distorts_nothing(square):
    vertices, triangles, uv = square
    d = measure_distortion(vertices, triangles, uv)
    np.testing.assert_allclose(dataclasses.astuple(d), (0, 1, 1, 1, 1), atol=1e-7)


def test_stretching_by_three_is_an_angle_distortion_of_three_and_no_area_distortion(square):
    vertices, triangles, uv = square
    d = measure_distortion(vertices, triangles, uv * [3, 1])
    np.testing.assert_allclose(dataclasses.astuple(d), (0, 3, 3, 1, 1), rtol=1e-6)


def test_shear_has_the_singular_values_of_its_matrix(square):
    vertices, triangles, uv = square
    shear = np.array([[1, 0.7], [0, 1]])
    s = np.linalg.svd(shear, compute_uv=False)
    d = measure_distortion(vertices, triangles, uv @ shear)
    np.testing.assert_allclose(d.angle_mean, s[0] / s[1])


def test_area_distortion_counts_growth_and_shrinking_alike_by_area_in_space():
    # Two triangles of areas 1/2 and 1/2 become 0.9 and 0.1 of the whole.
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.0]])
    triangles = np.array([[0, 1, 2], [1, 3, 2]])
    uv = np.array([[-0.8, -0.8], [1, 0], [0, 1], [0.5 + 0.0, 0.5 + 0.0]])
    uv[3] = [0.5 + 0.144, 0.5 + 0.144]
    areas = np.array([0.5 * 2.6, 0.5 * 0.288])
    a = 2 * areas / areas.sum()
    d = measure_distortion(vertices, triangles, uv)
    np.testing.assert_allclose(d.area_mean, np.mean([a[0], 1 / a[1]]), rtol=1e-6)
    np.testing.assert_allclose(d.area_95, max(a[0], 1 / a[1]), rtol=1e-6)


def test_the_95_percent_quantile_is_by_area_not_by_count():
    # Twenty slivers are stretched, but they are one percent of the surface.
    big = np.array([[0, 0], [10, 0], [0, 10], [10, 10.0]])
    steps = np.linspace(0, 10, 21)
    strip = np.stack([steps, np.full(21, -0.1)], axis=1)
    uv = np.concatenate([big, strip, np.stack([steps, np.zeros(21)], axis=1)])
    lower, upper = 4 + np.arange(21), 25 + np.arange(21)
    slivers = np.stack([lower[:-1], lower[1:], upper[:-1]], axis=1)
    triangles = np.concatenate([[[0, 1, 2], [1, 3, 2]], slivers])
    vertices = np.pad(uv, [(0, 0), (0, 1)])
    flat = uv.copy()
    flat[lower, 1] = -0.9
    d = measure_distortion(vertices, triangles, flat)
    assert d.angle_95 < 1.01 < d.angle_mean


def test_triangles_turned_over_or_without_area_are_counted(square):
    vertices, triangles, uv = square
    mean = np.concatenate([vertices, vertices + 100, vertices + 200])
    flat = np.concatenate([uv, uv, uv])
    flat[7] = [0.2, 0.2]  # turns its triangle over
    triangles = np.concatenate([triangles, triangles + 4, triangles + 8])
    assert measure_distortion(mean, triangles, flat).flipped == 1
    flat[7] = [0.5, 0.5]
    d = measure_distortion(mean, triangles, flat)
    assert d.flipped == 1 and d.angle_mean == np.inf


def test_the_sense_of_rotation_does_not_matter(square):
    vertices, triangles, uv = square
    assert measure_distortion(vertices, triangles, uv * [-1, 1]).flipped == 0


def test_a_flattening_to_nothing_is_refused(square):
    vertices, triangles, uv = square
    with pytest.raises(ValueError, match="area in the plane"):
        measure_distortion(vertices, triangles, 0 * uv)


def test_mirror_errors_are_distances_to_the_reflection():
    vertices = np.array([[-1, 2, 3], [1, 2, 3], [0.5, 0, 0]])
    np.testing.assert_allclose(mirror_errors(vertices, np.array([1, 0, 2])), [0, 0, 1])


def test_shares_are_areas_of_the_unit_square():
    ibug68 = np.arange(68)
    uv = np.full((68, 2), 0.5)
    uv[36:42] = [0.2, 0.2]
    uv[[36, 38, 39, 41]] = [[0.1, 0.1], [0.3, 0.1], [0.3, 0.2], [0.1, 0.2]]
    uv[42:48] = uv[36:42] + [0.5, 0]
    uv[[27, 31, 35]] = [[0.5, 0.3], [0.4, 0.5], [0.6, 0.5]]
    uv[48:60] = [0.5, 0.8]
    uv[[48, 51, 54, 57]] = [[0.4, 0.8], [0.5, 0.7], [0.6, 0.8], [0.5, 0.9]]
    shares = feature_shares(uv, ibug68)
    np.testing.assert_allclose(shares["eyes"], 2 * 0.02)
    np.testing.assert_allclose(shares["nose"], 0.02)
    np.testing.assert_allclose(shares["mouth"], 0.02)


def test_the_grid_lies_row_by_row_in_the_unit_square():
    uv = grid_uv((2, 3))
    np.testing.assert_allclose(uv, [[0, 0], [0.5, 0], [1, 0], [0, 1], [0.5, 1], [1, 1]])


def test_symmetric_landmarks_have_no_asymmetry_and_own_sets_none_known():
    model = toy_shape_model()
    np.testing.assert_allclose(landmark_asymmetries(model, "ibug68"), 0, atol=1e-4)
    own = dataclasses.replace(model, landmarks={"own": [1, 2]})
    assert landmark_asymmetries(own, "own") is None


def test_a_grid_model_can_be_measured():
    model = toy_grid_model((40, 40))
    d = measure_distortion(model.mean, model.triangles, grid_uv(model.grid_shape))
    assert d.flipped == 0 and 1 < d.angle_mean < 2 and 1 < d.area_mean < 2


def test_evenness_evens_areas_out():
    model = toy_shape_model()
    plain, even = (model_to_grid(model, (32, 32), "all", evenness=e) for e in (0.0, 0.5))
    before, after = (measure_distortion(b.face.mean, b.face.triangles, b.uv) for b in (plain, even))
    assert after.flipped == 0
    assert after.area_mean < before.area_mean and after.area_95 < before.area_95


def test_least_distortion_keeps_angles_better():
    model = toy_shape_model()
    tutte, least = (
        model_to_grid(model, (32, 32), "all", flattening=flattening)
        for flattening in ("tutte", "least-distortion")
    )
    before, after = (
        measure_distortion(built.face.mean, built.face.triangles, built.uv)
        for built in (tutte, least)
    )
    assert after.angle_mean < before.angle_mean and after.flipped == 0
    assert least.grid_model.grid_shape == (32, 32)
    with pytest.raises(ValueError, match="among tutte, least-distortion, received 'slim'"):
        model_to_grid(model, (32, 32), "all", flattening="slim")


def test_an_evenness_out_of_range_is_refused():
    with pytest.raises(ValueError, match="evenness from 0 to 1"):
        model_to_grid(toy_shape_model(), (32, 32), evenness=1.5)


def test_better_than_the_authors_map_of_the_basel_model():
    path = published_model("bfm_3ddfa_53215.npz")
    model = read("tddfa", path, identity=1, expression=0)
    theirs = measure_distortion(model.mean, model.triangles, np.load(path)["uv"])
    built = model_to_grid(model, (112, 112), "all")
    ours = measure_distortion(built.face.mean, built.face.triangles, built.uv)
    assert ours.flipped == 0
    assert ours.angle_95 <= theirs.angle_95 and ours.angle_mean <= theirs.angle_mean
    assert ours.area_95 <= theirs.area_95 and ours.area_mean <= theirs.area_mean
