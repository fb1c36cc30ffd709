import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import GridModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.mesh.visibility.ray_casting import grid_normals, occluded_vertices
from keras_3dmmstn.ops import self_occlusion_mask, self_occlusion_mask_by_depth
from tests.support import naive
from tests.support.gradients import gradients_of

TURNS = [(0.0, 0.0, 0.0), (0.5, -0.3, 0.2), (-0.2, 1.0, 0.4), (0.3, -1.3, -2.0)]


def mask_of(points, grid_shape):
    return self_occlusion_mask_by_depth(tf.constant(points[None]), grid_shape)[0, ..., 0].numpy()


def sheet(x, z, rows):
    """A grid whose columns lie at the given x and z, one unit of y a row."""
    grid = np.zeros((rows, len(x), 3))
    grid[..., 0], grid[..., 1], grid[..., 2] = x, np.arange(rows)[:, None], z
    return grid.reshape(-1, 3)


def turned(points, turn):
    return points @ naive.rotation_matrix(turn).T


# Against loops


@pytest.mark.parametrize("grid_shape", [(2, 2), (5, 3), (4, 7)])
def test_crumpled_grid(grid_shape, rng):
    points = rng.normal(size=(grid_shape[0] * grid_shape[1], 3))
    expected = naive.self_occlusion_mask_by_depth(points, grid_shape)
    np.testing.assert_array_equal(mask_of(points, grid_shape), expected)


@pytest.mark.parametrize("turn", TURNS)
def test_face_is_that_of_the_loops(turn):
    face = toy_grid_model((20, 14))
    points = turned(face.mean.astype(float), turn)
    expected = naive.self_occlusion_mask_by_depth(points, face.grid_shape)
    np.testing.assert_array_equal(mask_of(points, face.grid_shape), expected)


@pytest.mark.parametrize("turn", TURNS)
def test_face_is_nearly_that_of_rays(turn):
    face = toy_grid_model((48, 40))
    points = turned(face.mean.astype(float), turn)
    rays = naive.visible_vertices(points, face.triangles, face.grid_shape)
    # The edges of what is hidden are uncertain by half a pixel: 1 % are 19 of 1920 vertices.
    assert (mask_of(points, face.grid_shape) != rays).mean() <= 0.01


def test_at_most_one_per_cent_of_the_bundled_face_is_wrong(rng):
    face = GridModel.bundled()
    by_depth, by_normals, hidden_by_another_part = [], [], []
    for yaw in np.radians([-75, -60, -45, 0, 45, 60, 75]):
        vertices = face.shape(rng.normal(size=face.modes)).astype(float)
        rotation = naive.rotation_matrix((rng.uniform(-0.5, 0.5), 0, 0))
        rotation = rotation @ naive.rotation_matrix((0, yaw, 0))
        normals = grid_normals(vertices, face.grid_shape)
        occluded = occluded_vertices(vertices, face.triangles, normals, -rotation[2:])[0]
        visible = ((normals @ -rotation[2] > 0) & ~occluded).reshape(face.grid_shape)
        points = (vertices @ rotation.T)[None]
        masks = [
            op(tf.constant(points, tf.float32), face.grid_shape)[0, ..., 0].numpy() > 0
            for op in (self_occlusion_mask_by_depth, self_occlusion_mask)
        ]
        by_depth.append((masks[0] != visible).mean())
        by_normals.append((masks[1] != visible).mean())
        hidden_by_another_part.append(occluded.mean())
    assert np.mean(by_depth) <= 0.01
    assert np.mean(by_normals) > 0.015, "the case must have vertices that normals do not see"


# Shapes whose visibility is known


def test_what_folds_behind_itself_is_hidden():
    # To the right, back behind itself, and to the right again, at depths 0, 0 to 6 and 6.
    x = [*range(13), *range(11, 4, -1), *range(5, 20)]
    z = [0] * 13 + list(np.linspace(1, 5, 7)) + [6] * 15
    mask = mask_of(sheet(x, z, 20), (20, len(x)))
    assert (mask[:, :12] == 1).all(), "in front"
    assert (mask[:, 14:19] == 0).all(), "faces away"
    assert (mask[:, 21:26] == 0).all(), "behind the front: x up to 10, the front reaches 12"
    assert (mask[:, 29:] == 1).all(), "beyond it: x from 14"
    assert (self_occlusion_mask(tf.constant(sheet(x, z, 20)[None]), (20, 35))[0, :, 21:26] == 1
            ).numpy().all(), "normals do not see it"  # fmt: skip


def test_columns_are_columns_and_rows_are_rows():
    x = [*range(13), *range(11, 4, -1), *range(5, 20)]
    z = [0] * 13 + list(np.linspace(1, 5, 7)) + [6] * 15
    points = sheet(x, z, 20).reshape(20, 35, 3)
    upright = points.swapaxes(0, 1)[..., [1, 0, 2]]
    np.testing.assert_array_equal(
        mask_of(upright.reshape(-1, 3), (35, 20)), mask_of(points.reshape(-1, 3), (20, 35)).T
    )


@pytest.mark.parametrize("degrees", [0, 40, 70, 85])
@pytest.mark.parametrize("axis", [0, 1])
def test_plane_does_not_hide_itself_however_steep(axis, degrees):
    y, x = np.mgrid[:30, :40]
    points = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3).astype(float)
    turn = np.zeros(3)
    turn[axis] = np.radians(degrees)
    np.testing.assert_array_equal(mask_of(turned(points, turn), (30, 40)), np.ones((30, 40)))


@pytest.mark.parametrize("turn", TURNS)
def test_convex_shape_hides_what_its_normals_hide(turn):
    longitude = np.radians(np.linspace(-125, 125, 60))[None, :]
    latitude = np.radians(np.linspace(-75, 75, 45))[:, None]
    head = np.stack(
        [
            70 * np.cos(latitude) * np.sin(longitude),
            100 * np.sin(latitude) + 0 * longitude,
            -85 * np.cos(latitude) * np.cos(longitude),
        ],
        axis=-1,
    ).reshape(-1, 3)
    points = turned(head, turn)
    by_normals = naive.self_occlusion_mask(points, (45, 60))
    # Single vertices on the contour may look hidden by its other side.
    assert (mask_of(points, (45, 60)) != by_normals).mean() < 0.003


@pytest.mark.parametrize("degrees", [0, 25, 45])
def test_bowl_hides_its_near_wall_behind_its_rim(degrees):
    # Half a sphere, hollow towards the viewer: azimuth by columns, from the rim to near the pole.
    rows, columns = 60, 90
    azimuth = np.linspace(0, 2 * np.pi, columns)[None, :]
    polar = np.radians(np.linspace(90, 10, rows))[:, None]
    bowl = np.stack(
        [
            np.sin(polar) * np.cos(azimuth),
            np.sin(polar) * np.sin(azimuth),
            np.cos(polar) + 0 * azimuth,
        ],
        axis=-1,
    ).reshape(-1, 3)
    points = turned(bowl, (0, np.radians(degrees), 0))
    viewer = naive.rotation_matrix((0, np.radians(degrees), 0)).T @ [0, 0, -1]
    # From inside a sphere, the ray p + t d leaves it at t = −2⟨p, d⟩; the wall ends at z = 0.
    inner = -(bowl @ viewer)
    leaves_through_the_opening = (bowl + 2 * inner[:, None] * viewer)[:, 2] <= 1e-9
    expected = ((inner > 0) & leaves_through_the_opening).reshape(rows, columns)
    mask = mask_of(points, (rows, columns)) > 0
    inside = np.s_[2:-2, 2:-2]  # the seam and the rims belong to one side of the surface only
    assert (mask != expected)[inside].mean() < 0.03
    if degrees:
        facing = naive.self_occlusion_mask(points, (rows, columns)) > 0
        assert (facing != expected)[inside].mean() > 0.1, "the rim must hide what faces the viewer"


# What does not matter, and what does


def test_unit_and_place_do_not_matter(rng):
    face = toy_grid_model((20, 14))
    points = turned(face.mean.astype(float), TURNS[2])
    np.testing.assert_array_equal(
        mask_of(points, (20, 14)), mask_of(points / 1024 + [64.0, -256.0, 32.0], (20, 14))
    )


def test_each_example_has_its_own_buffer():
    face = toy_grid_model((20, 14))
    batch = np.stack(
        [turned(face.mean, turn) * size for turn, size in zip(TURNS, (1, 9, 2, 5), strict=True)]
    )
    masks = self_occlusion_mask_by_depth(tf.constant(batch), (20, 14))
    for mask, points in zip(masks, batch, strict=True):
        np.testing.assert_array_equal(mask[..., 0], mask_of(points, (20, 14)))


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64])
def test_mask_is_binary_in_the_dtype_of_the_points(dtype, rng):
    mask = self_occlusion_mask_by_depth(tf.constant(rng.normal(size=(2, 12, 3)), dtype), (3, 4))
    assert mask.dtype == dtype
    assert mask.shape == (2, 3, 4, 1)
    assert set(np.unique(mask)) == {0, 1}


@pytest.mark.parametrize("jit_compile", [False, True])
def test_collapsed_and_undefined_meshes_are_hidden(jit_compile):
    meshes = np.stack([np.zeros((12, 3)), np.full((12, 3), np.nan), np.full((12, 3), np.inf)])
    op = tf.function(lambda p: self_occlusion_mask_by_depth(p, (3, 4)), jit_compile=jit_compile)
    np.testing.assert_array_equal(op(tf.constant(meshes)), np.zeros((3, 3, 4, 1)))


def test_undefined_example_leaves_the_others_alone():
    face = toy_grid_model((20, 14))
    batch = np.stack([face.mean, np.full_like(face.mean, np.nan), face.mean])
    masks = self_occlusion_mask_by_depth(tf.constant(batch), (20, 14))[..., 0]
    for mask in (masks[0], masks[2]):
        np.testing.assert_array_equal(mask, mask_of(face.mean, (20, 14)))


# The occlusion is a step function: the network does not learn from changes in it (sec. 2.3).
def test_gradient_is_zero_and_not_missing(rng):
    points = tf.constant(rng.normal(size=(2, 12, 3)))
    cotangent = tf.constant(rng.normal(size=(2, 3, 4, 1)))
    (gradient,) = gradients_of(
        lambda p: self_occlusion_mask_by_depth(p, (3, 4)), points, cotangent=cotangent
    )
    np.testing.assert_array_equal(gradient, np.zeros((2, 12, 3)))
