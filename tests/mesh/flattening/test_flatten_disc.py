"""The flattening of a disc without symmetry, and its grid."""

import igl
import numpy as np
import pytest

from keras_3dmmstn.mesh import (
    flatten_disc,
    flatten_least_distorted,
    resample,
    shape_model_from_meshes,
)
from keras_3dmmstn.mesh.quality import measure_distortion
from tests.support.toy_leaves import CORNERS, LANDMARKS, leaf, leaf_triangles, leaves


@pytest.fixture(scope="module")
def model():
    return shape_model_from_meshes(leaves(), leaf_triangles(), 3, {"leaf": LANDMARKS})


def test_a_rectangle_keeps_its_shape():
    # Of cells that are alike, a Tutte embedding is the rectangle itself.
    y, x = np.meshgrid(np.linspace(0, 3, 21), np.linspace(0, 2, 17), indexing="ij")
    flat = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    uv = flatten_disc(flat, leaf_triangles(), CORNERS)
    np.testing.assert_allclose(uv, flat[:, :2] / [2, 3], atol=1e-9)


def test_the_corners_are_where_the_user_wants_them():
    uv = flatten_disc(leaf(), leaf_triangles(), CORNERS)
    np.testing.assert_array_equal(uv[list(CORNERS)], [[0, 0], [1, 0], [1, 1], [0, 1]])
    assert uv.min() == 0 and uv.max() == 1
    turned = flatten_disc(leaf(), leaf_triangles(), np.roll(CORNERS, 1))
    np.testing.assert_array_equal(turned[CORNERS[0]], [1, 0])


def test_without_corners_the_texture_is_upright_and_not_mirrored():
    uv = flatten_disc(leaf(), leaf_triangles())
    stalk, tip, left, right, _ = uv[LANDMARKS]
    assert tip[1] < 0.2 and stalk[1] > 0.8 and left[0] < 0.2 and right[0] > 0.8


@pytest.mark.parametrize("evenness", [0.0, 0.7])
def test_no_triangle_is_turned(evenness):
    uv = flatten_disc(leaf(), leaf_triangles(), evenness=evenness)
    assert measure_distortion(leaf(), leaf_triangles(), uv).flipped == 0


def test_triangles_of_the_other_orientation_give_the_mirror_image():
    inside_out = leaf_triangles()[:, ::-1]
    uv = flatten_disc(leaf() * [-1, 1, 1], inside_out, CORNERS[1::-1] + CORNERS[:1:-1])
    np.testing.assert_allclose(
        uv, flatten_disc(leaf(), leaf_triangles(), CORNERS) * [-1, 1] + [1, 0], atol=1e-9
    )


def test_least_distortion_lowers_the_distortion_and_keeps_the_corners():
    tutte = flatten_disc(leaf(), leaf_triangles(), CORNERS)
    uv = flatten_least_distorted(leaf(), leaf_triangles(), start=tutte, symmetric=False)
    before, after = (measure_distortion(leaf(), leaf_triangles(), m) for m in (tutte, uv))
    assert after.flipped == 0
    assert after.angle_mean + after.area_mean < before.angle_mean + before.area_mean
    np.testing.assert_array_equal(uv[list(CORNERS)], tutte[list(CORNERS)])


def test_the_grid_lies_on_the_surface_with_its_landmarks(model):
    uv = flatten_disc(model.mean, model.triangles, CORNERS)
    grid = resample(model, uv, (30, 26))
    squared, *_ = igl.point_mesh_squared_distance(
        grid.mean.astype(float), model.mean.astype(float), model.triangles.astype(np.int64)
    )
    assert np.sqrt(squared.max()) < 1e-3  # millimetres
    np.testing.assert_allclose(grid.mean[grid.landmarks["leaf"]], model.mean[LANDMARKS], atol=0.5)
    np.testing.assert_allclose(grid.mean[0], model.mean[0], atol=1e-4)
    # Not the mirror image of itself, as the leaf is not.
    assert np.abs(grid.mean[grid.mirror] - grid.mean * [-1, 1, 1]).max() > 10


def test_the_grid_s_outside_looks_at_the_viewer(model):
    grid = resample(model, flatten_disc(model.mean, model.triangles), (12, 12))
    corners = grid.mean[grid.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 2] < 0).mean() > 0.95


@pytest.mark.parametrize(
    ("corners", "evenness", "message"),
    [
        (CORNERS[:3], 0, "four different vertices"),
        ((0, 0, 356, 340), 0, "four different vertices"),
        ((0, 340, 356, 16), 0, "clockwise"),
        ((178, 16, 356, 340), 0, "of the boundary"),
        (None, 1.5, "evenness from 0 to 1"),
    ],
)
def test_wrong_arguments_are_named(corners, evenness, message):
    with pytest.raises(ValueError, match=message):
        flatten_disc(leaf(), leaf_triangles(), corners, evenness)


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite"):
        flatten_disc(leaf() * np.nan, leaf_triangles())


def test_what_is_no_disc_is_refused():
    with pytest.raises(ValueError, match="2 boundary loops"):
        flatten_disc(leaf(), np.delete(leaf_triangles(), [200, 201], axis=0))


def test_turned_triangles_without_corners_are_told_so():
    with pytest.raises(ValueError, match=r"counter-clockwise seen from the viewer.*turn them"):
        flatten_disc(leaf(), leaf_triangles()[:, ::-1])
