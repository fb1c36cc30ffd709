"""Pins each line of the conventions in `keras_3dmmstn.ops`, in their order."""

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import GridModel, ops
from keras_3dmmstn.mesh.finer_grid import interpolation_weights
from tests.support import naive
from tests.support.gradients import gradients_of


@pytest.fixture(scope="module")
def face():
    return GridModel.bundled()


def landmark(face, number):
    return face.mean[face.landmarks["ibug68"][number]]


# Images


def test_origin_of_an_image_is_the_centre_of_its_top_left_pixel(rng):
    image = rng.uniform(0, 255, (1, 3, 5, 3))
    sample = ops.sample_bilinear(tf.constant(image), tf.zeros((1, 1, 2), tf.float64))
    np.testing.assert_array_equal(sample[0, 0], image[0, 0, 0])


def test_x_points_right_and_y_points_down_in_an_image(rng):
    image = rng.uniform(0, 255, (1, 3, 5, 3))
    four_right_two_down = tf.constant([[[4.0, 2.0]]], tf.float64)
    sample = ops.sample_bilinear(tf.constant(image), four_right_two_down)
    np.testing.assert_array_equal(sample[0, 0], image[0, 2, 4])


def test_outside_an_image_is_0():
    white = tf.fill((1, 3, 5, 3), 255.0)
    outside = tf.constant([[[-1.0, 1.0], [5.0, 1.0], [1.0, -1.0], [1.0, 3.0]]])
    np.testing.assert_array_equal(ops.sample_bilinear(white, outside), np.zeros((1, 4, 3)))


# One right-handed frame: x right, y down, z away from the viewer, in millimetres


@pytest.mark.parametrize(("axis", "start", "end"), [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_rotations_are_right_handed(axis, start, end):
    # 0.6 rad, not a quarter turn: a transposed matrix would not pass.
    rotation = ops.axis_angle_to_matrix(tf.constant(0.6 * np.eye(3)[axis]))
    expected = np.cos(0.6) * np.eye(3)[start] + np.sin(0.6) * np.eye(3)[end]
    np.testing.assert_allclose(rotation[:, start], expected, atol=1e-15)


def test_positive_angle_about_z_takes_the_right_ear_down(face):
    rotation = ops.axis_angle_to_matrix(tf.constant([0.0, 0.0, 0.3]))
    ear = landmark(face, 16)  # right in the image: x > 0
    turned = ops.rotate_points(tf.constant(ear[None]), rotation)[0]
    assert ear[0] > 50
    assert turned[1] > ear[1] + 10


def test_face_is_of_human_size_in_millimetres(face):
    between_outer_corners_of_the_eyes = np.linalg.norm(landmark(face, 45) - landmark(face, 36))
    assert 80 < between_outer_corners_of_the_eyes < 110


def test_mean_face_looks_towards_the_viewer(face):
    nose_tip, left_ear, right_ear = (landmark(face, number)[2] for number in (30, 0, 16))
    assert nose_tip < left_ear - 50
    assert nose_tip < right_ear - 50
    mask = ops.self_occlusion_mask(tf.constant(face.mean[None]), face.grid_shape)
    assert np.mean(mask) > 0.8


def test_mean_face_is_upright(face):
    brow, eye, nose, mouth, chin = (landmark(face, number)[1] for number in (19, 37, 30, 51, 8))
    assert brow < eye < nose < mouth < chin


# Camera


def test_camera_is_that_of_the_paper():
    points = np.array([[10.0, 20.0, 30.0], [-40.0, 5.0, -6.0]])
    axis_angle, translation, log_scale = [0.3, -0.5, 0.7], [100.0, 70.0], 0.4
    rotation = ops.axis_angle_to_matrix(tf.constant([axis_angle], tf.float64))
    projected = ops.project_orthographic(ops.rotate_points(tf.constant(points[None]), rotation))
    scale = ops.log_scale_to_scale(tf.constant([[log_scale]], tf.float64))
    scaled = ops.scale_points(projected, scale)
    image_points = ops.translate_points(scaled, tf.constant([translation], tf.float64))
    expected = naive.camera(points, naive.rotation_matrix(axis_angle), translation, log_scale)
    np.testing.assert_allclose(image_points[0], expected, rtol=1e-13)


def test_a_perspective_camera_sits_at_the_origin_and_looks_along_z():
    points, translation = np.array([[10.0, 20.0, 30.0], [-40.0, 5.0, -6.0]]), [7.0, -9.0, 300.0]
    image_points = ops.project_perspective(
        *[tf.constant(x, tf.float64) for x in (points, translation, [500.0], [112.0, 90.0])]
    )
    expected = naive.perspective_camera(points, translation, 500.0, [112.0, 90.0])
    np.testing.assert_allclose(image_points, expected, rtol=1e-13)


# Points


def test_a_vertex_acts_as_a_column():
    rotation = np.arange(9.0).reshape(1, 3, 3)
    vertex = np.array([[[1.0, 10.0, 100.0]]])
    turned = ops.rotate_points(tf.constant(vertex), tf.constant(rotation))
    np.testing.assert_array_equal(turned[0, 0], rotation[0] @ vertex[0, 0])


# Grid


def test_a_grid_is_row_major():
    grid = ops.points_to_grid(tf.reshape(tf.range(6.0), (1, 6, 1)), (2, 3))
    np.testing.assert_array_equal(grid[0, :, :, 0], [[0, 1, 2], [3, 4, 5]])


def test_row_0_is_the_forehead(face):
    rows = face.mean.reshape(*face.grid_shape, 3)[..., 1].mean(axis=1)
    assert rows[0] < landmark(face, 19)[1], "above the brows"
    assert rows[-1] > landmark(face, 57)[1], "below the lips"


def test_column_0_is_the_image_left_side(face):
    columns = face.mean.reshape(*face.grid_shape, 3)[..., 0].mean(axis=0)
    assert columns[0] < landmark(face, 36)[0] < 0 < landmark(face, 45)[0] < columns[-1]


def test_mirror_image_of_a_vertex_is_in_its_row_counted_from_the_other_side(face):
    rows, columns = face.grid_shape
    grid = face.mean.reshape(rows, columns, 3)
    for row, column in [(0, 0), (20, 30), (70, 55), (rows - 1, 3)]:
        mirrored = grid[row, columns - 1 - column] * [-1, 1, 1]
        np.testing.assert_allclose(grid[row, column], mirrored, atol=1e-3)
        assert face.mirror[row * columns + column] == row * columns + columns - 1 - column


# Parameters


def test_parameters_are_rotation_translation_log_scale_shape():
    r, t, log_scale, alpha = ops.split_parameters(tf.range(10.0)[None])
    np.testing.assert_array_equal(r, [[0, 1, 2]])
    np.testing.assert_array_equal(t, [[3, 4]])
    np.testing.assert_array_equal(log_scale, [[5]])
    np.testing.assert_array_equal(alpha, [[6, 7, 8, 9]])


# Visibility


def test_visible_is_1_where_the_normal_has_negative_z():
    # Row by row from the top left: seen from the viewer's side, x to the right and y down.
    facing = [[x, y, 0.0] for y in range(2) for x in range(3)]
    away = [[-x, y, 0.0] for y in range(2) for x in range(3)]
    mask = ops.self_occlusion_mask(tf.constant([facing, away]), (2, 3))
    np.testing.assert_array_equal(mask, [np.ones((2, 3, 1)), np.zeros((2, 3, 1))])


def test_visible_before_a_perspective_camera_is_what_faces_the_ray_to_it():
    # A plane whose normal is (−1, 0, −0.1): from far to the left of it its front is seen.
    plane = [[0.1 * x, y, -x] for y in (0.0, 1.0) for x in (0.0, 1.0)]
    places = np.array([[20.0, 0.0, 20.0], [-20.0, 0.0, 20.0]])
    image_points = ops.project_perspective(
        tf.constant([plane] * 2, tf.float64),
        tf.constant(places),
        tf.ones((2, 1), tf.float64),
        tf.zeros((2, 2), tf.float64),
    )
    mask = ops.self_occlusion_mask(image_points, (2, 2))
    np.testing.assert_array_equal(mask[:, 0, 0, 0], [1, 0])


def test_nearer_is_smaller_z():
    # From column 2 on the sheet turns back, from column 4 on forth: there both layers face.
    x, near, far = [0, 1, 2, 1.5, 1, 2, 3, 4], [0] * 3, [5] * 4
    for depth, hidden in (([*near, 2.5, *far], [4]), ([*far[:3], 2.5, *near, 0], [1])):
        sheet = [[a, y, z] for y in range(8) for a, z in zip(x, depth, strict=True)]
        mask = ops.self_occlusion_mask_by_depth(tf.constant([sheet], tf.float32), (8, 8))
        assert not mask[0, 2:6, hidden[0], 0].numpy().any()
        assert mask[0, 2:6, 0, 0].numpy().all() and mask[0, 2:6, 6, 0].numpy().all()


def test_a_head_turned_to_its_side_hides_its_far_half(face):
    # +y is down, so a positive turn about y takes z to x: the nose (−z) goes to image-left.
    rotation = ops.axis_angle_to_matrix(tf.constant([[0.0, 1.0, 0.0]]))
    turned = ops.rotate_points(tf.constant(face.mean[None]), rotation)
    nose = turned[0, face.landmarks["ibug68"][30], 0]
    mask = ops.self_occlusion_mask(turned, face.grid_shape)[0, :, :, 0]
    left, right = np.split(np.asarray(mask), 2, axis=1)
    assert nose < -20
    assert right.mean() > left.mean() + 0.3


# Every op: dtype, leading axes, unknown batch, XLA

BATCH = 2


def _normal(rng, *shape):
    return rng.normal(size=(BATCH, *shape))


def _halves(dtype):
    """Weights from 2 × 3 vertices to 3 × 5 texels, each half way between vertices or at one."""
    return [tf.constant(interpolation_weights(*n), dtype) for n in ((3, 2), (5, 3))]


# For each op: the function, and how to make its inputs, the first axis of each being the batch.
OPS = {
    "axis_angle_to_matrix": (ops.axis_angle_to_matrix, [(3,)]),
    "rotate_points": (ops.rotate_points, [(5, 3), (3, 3)]),
    "project_orthographic": (ops.project_orthographic, [(5, 3)]),
    "log_scale_to_scale": (ops.log_scale_to_scale, [(1,)]),
    "scale_points": (ops.scale_points, [(5, 2), (1,)]),
    "translate_points": (ops.translate_points, [(5, 2), (2,)]),
    "project_perspective": (ops.project_perspective, [(5, 3), (3,), (1,), (2,)]),
    "translation_to_3d": (
        # A scale of about 0 would be no scale.
        lambda t, s, f, c: ops.translation_to_3d(t, 1 + s**2, f, c),
        [(2,), (1,), (1,), (2,)],
    ),
    "split_parameters": (lambda theta: tf.concat(ops.split_parameters(theta), -1), [(10,)]),
    "mask_texture": (ops.mask_texture, [(3, 4, 3), (3, 4, 1)]),
    "select_points": (lambda p: ops.select_points(p, tf.constant([4, 0, 4])), [(5, 2)]),
    "points_to_grid": (lambda p: ops.points_to_grid(p, (3, 4)), [(12, 2)]),
    "sample_bilinear": (ops.sample_bilinear, [(4, 5, 3), (2, 3, 2)]),
    "self_occlusion_mask": (lambda p: ops.self_occlusion_mask(p, (3, 4)), [(12, 3)]),
    "self_occlusion_mask_by_depth": (
        lambda p: ops.self_occlusion_mask_by_depth(p, (3, 4)),
        [(12, 3)],
    ),
    "self_occlusion_mask_by_table": (
        lambda p, matrix: ops.self_occlusion_mask_by_table(
            p, matrix, (3, 4), tf.cast(tf.reshape(tf.range(30) * 8, (3, 5, 2)), tf.uint8)
        ),
        [(12, 3), (3, 3)],
    ),
    "shape_from_coefficients": (
        lambda alpha: ops.shape_from_coefficients(
            alpha,
            tf.reshape(tf.range(15, dtype=alpha.dtype) / 8, (5, 3)),
            tf.reshape(tf.range(60, dtype=alpha.dtype) / 32 - 1, (4, 5, 3)),
        ),
        [(4,)],
    ),
    "select_outermost": (ops.select_outermost, [(5, 4, 2), (5, 2)]),
    "refine_grid": (lambda v: ops.refine_grid(v, *_halves(v.dtype)), [(2, 3, 2)]),
    "refine_mask": (lambda v: ops.refine_mask(v, *_halves(v.dtype)), [(2, 3, 1)]),
}
WITH_ANY_LEADING_AXES = list(OPS)[:10]


def test_every_op_is_listed_here():
    # What `outermost` returns are whole numbers: it has no dtype to follow and no gradient.
    assert set(OPS) == set(ops.__all__) - {"outermost"}


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64], ids=lambda d: d.name)
@pytest.mark.parametrize("name", OPS)
def test_answers_in_the_dtype_of_the_input(name, dtype, rng):
    function, shapes = OPS[name]
    # Numbers that every dtype holds, so that only the op itself rounds.
    inputs = [_normal(rng, *shape).astype(np.float16) for shape in shapes]
    value = function(*[tf.constant(x, dtype) for x in inputs])
    assert value.dtype == dtype
    exact = function(*[tf.constant(x, tf.float64) for x in inputs])
    # Sums of up to ten products of numbers of order one.
    tolerance = 16 * np.finfo(dtype.as_numpy_dtype).eps
    np.testing.assert_allclose(value, exact, rtol=tolerance, atol=tolerance)
    for gradient in gradients_of(function, *[tf.constant(x, dtype) for x in inputs]):
        assert gradient.dtype == dtype
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", WITH_ANY_LEADING_AXES)
def test_several_leading_axes_count_as_batch(name, rng):
    function, shapes = OPS[name]
    inputs = [rng.normal(size=(3, BATCH, *shape)) for shape in shapes]
    flat = function(*[tf.constant(x.reshape(3 * BATCH, *x.shape[2:])) for x in inputs])
    value = function(*[tf.constant(x) for x in inputs])
    assert value.shape[:2] == (3, BATCH)
    np.testing.assert_allclose(tf.reshape(value, flat.shape), flat, atol=1e-14)

    gradients = gradients_of(function, *inputs)
    flat_gradients = gradients_of(function, *[x.reshape(3 * BATCH, *x.shape[2:]) for x in inputs])
    for gradient, expected in zip(gradients, flat_gradients, strict=True):
        np.testing.assert_allclose(gradient.reshape(expected.shape), expected, atol=1e-14)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("name", OPS)
def test_graphs_with_a_free_batch_give_the_same_values_and_gradients(name, jit_compile, rng):
    function, shapes = OPS[name]

    @tf.function(
        jit_compile=jit_compile,
        input_signature=[tf.TensorSpec((None, *shape), tf.float64) for shape in shapes],
    )
    def value_and_gradients(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = function(*inputs)
            squared = tf.reduce_sum(value**2)
        return value, tape.gradient(squared, inputs)

    for batch in (1, 3):
        inputs = [tf.constant(rng.normal(size=(batch, *shape))) for shape in shapes]
        value, gradients = value_and_gradients(*inputs)
        expected = function(*inputs)
        np.testing.assert_allclose(value, expected, atol=1e-13)
        expected_gradients = gradients_of(lambda *x: function(*x) ** 2, *inputs)
        for gradient, other in zip(gradients, expected_gradients, strict=True):
            np.testing.assert_allclose(gradient, other, atol=1e-12)
