import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import GridModel
from keras_3dmmstn.ops import (
    axis_angle_to_matrix,
    project_perspective,
    self_occlusion_mask,
    translation_to_3d,
)
from keras_3dmmstn.ops.perspective import NEAREST_DEPTH
from tests.support import naive
from tests.support.gradients import (
    assert_gradient_agrees_with_autodiff,
    assert_gradient_is_correct,
    gradients_of,
)


def plain_projection(points, translation, focal_length, principal_point):
    """The projection in ordinary operations, its two parts apart."""
    placed = points + translation[:, None]
    z = placed[..., 2:]
    before = z >= NEAREST_DEPTH
    weight = tf.where(
        before, 1 / tf.where(before, z, tf.ones_like(z)), 2 / NEAREST_DEPTH - z / NEAREST_DEPTH**2
    )
    return focal_length[:, None] * placed[..., :2] * weight + principal_point[:, None]


def project(*arguments):
    """Projects arrays without a batch, in float64."""
    return project_perspective(*[tf.constant(x, tf.float64) for x in arguments]).numpy()


def camera(rng, batch=2, points=4):
    """Points around the origin and cameras of about unit size, some units of depth away."""
    return (
        rng.normal(size=(batch, points, 3)),
        rng.normal(size=(batch, 3)) + [0, 0, 2 * NEAREST_DEPTH],
        rng.uniform(0.5, 2, (batch, 1)),
        rng.normal(size=(batch, 2)),
    )


def at_depth(depth, rng):
    """Two cameras of which each sees points at exactly this depth, and one far from it."""
    points, translation, focal_length, principal_point = camera(rng)
    points[:, :-1, 2] = depth - translation[:, 2:]
    return points, translation, focal_length, principal_point


# Values


def test_projection_is_that_of_a_pinhole(rng):
    points = rng.normal(0, 60, (2, 5, 3))
    translation = [[20.0, -30.0, 400.0], [-5.0, 7.0, 900.0]]
    focal_length, principal_point = [[500.0], [800.0]], [[111.5, 90.0], [320.0, 240.0]]
    projected = project(points, translation, focal_length, principal_point)
    for one in range(2):
        expected = naive.perspective_camera(
            points[one], translation[one], focal_length[one][0], principal_point[one]
        )
        np.testing.assert_allclose(projected[one], expected, rtol=1e-13)


def test_x_points_right_y_down_and_what_is_further_away_is_smaller():
    points = [[10.0, 20.0, 0.0], [10.0, 20.0, 500.0]]
    projected = project(points, [0.0, 0.0, 500.0], [1000.0], [300.0, 200.0])
    np.testing.assert_array_equal(projected, [[320, 240], [310, 220]])


def test_translation_leads_from_the_camera_to_the_origin_of_the_points():
    projected = project([[0.0, 0.0, 0.0]], [10.0, 20.0, 500.0], [1000.0], [0.0, 0.0])
    np.testing.assert_array_equal(projected, [[20, 40]])


def test_the_optical_axis_meets_the_image_in_the_principal_point():
    on_the_axis = [[0.0, 0.0, -100.0], [0.0, 0.0, 50.0]]
    projected = project(on_the_axis, [0.0, 0.0, 500.0], [1000.0], [300.0, 200.0])
    np.testing.assert_array_equal(projected, [[300, 200]] * 2)


# Gradients


def test_gradient_of_projection(rng):
    assert_gradient_is_correct(project_perspective, *camera(rng))
    assert_gradient_agrees_with_autodiff(
        project_perspective, plain_projection, *camera(rng), rng=rng
    )


# Both sides of the switch and the switch itself, at the camera, behind it, and mirrored there.
@pytest.mark.parametrize("depth", [NEAREST_DEPTH + 0.01, NEAREST_DEPTH, 9.99, 1.0, 0.0, -5.0, -20])
def test_gradient_near_and_behind_the_camera(depth, rng):
    # The second derivative jumps at the switch, by 2 / n³: differences are off by step / n³.
    assert_gradient_is_correct(project_perspective, *at_depth(depth, rng), step=1e-5)
    assert_gradient_agrees_with_autodiff(
        project_perspective, plain_projection, *at_depth(depth, rng), rng=rng
    )


def test_value_and_slope_have_no_jump_at_the_nearest_depth():
    z = NEAREST_DEPTH + np.array([-1e-6, 1e-6])
    points = np.stack([[30.0, 30.0], [-40.0, -40.0], z], axis=-1)
    origin, focal_length = np.zeros(3), np.array([700.0])
    near, far = project(points, origin, focal_length, np.zeros(2))
    # A step of 2e-6 mm at a slope of f x / n² = 280 pixels/mm.
    np.testing.assert_allclose(near, far, atol=2e-6 * 300)
    for component in range(2):
        to_points, *_ = gradients_of(
            lambda *x, component=component: project_perspective(*x)[:, component],
            *[tf.constant(x) for x in (points, origin, focal_length, np.zeros(2))],
        )
        # The slope itself has one of 2 f x / n³ = 56 pixels/mm².
        np.testing.assert_allclose(to_points[0], to_points[1], atol=2e-6 * 60)


def test_what_passes_the_camera_moves_on_outwards_and_does_not_flip():
    z = np.array([100.0, 10.0, 1.0, 0.0, -1.0, -10.0, -1e4])
    points = np.stack([np.full(7, 3.0), np.full(7, -2.0), z], axis=-1)
    x, y = project(points, np.zeros(3), [500.0], [100.0, 100.0]).T
    assert np.all(np.diff(x) > 0) and x[0] > 100
    assert np.all(np.diff(y) < 0) and y[0] < 100


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64], ids=lambda d: d.name)
def test_everything_is_finite_wherever_the_points_are(dtype):
    z = [-1000.0, -NEAREST_DEPTH, -1e-6, 0.0, 1e-6, NEAREST_DEPTH, 1000.0]
    points = tf.constant([[[2.0, -3.0, depth] for depth in z]], dtype)
    arguments = [points, tf.zeros((1, 3), dtype), tf.ones((1, 1), dtype), tf.ones((1, 2), dtype)]
    assert np.isfinite(project_perspective(*arguments)).all()
    assert all(
        np.isfinite(gradient).all() for gradient in gradients_of(project_perspective, *arguments)
    )


def test_gradient_to_the_camera_is_the_sum_over_its_points(rng):
    points, translation, *rest = [tf.constant(x, tf.float64) for x in camera(rng)]
    cotangent = tf.constant(rng.normal(size=(2, 4, 2)))
    to_points, to_translation, _, to_principal_point = gradients_of(
        project_perspective, points, translation, *rest, cotangent=cotangent
    )
    np.testing.assert_allclose(to_translation, to_points.sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(to_principal_point, np.sum(cotangent, axis=1), rtol=1e-14)


# The place before the camera


def place_in_the_image(rng):
    return (
        rng.uniform(90, 130, (2, 2)),  # t
        rng.uniform(0.5, 2, (2, 1)),  # s
        rng.uniform(200, 600, (2, 1)),  # f
        rng.uniform(100, 120, (2, 2)),  # c
    )


def test_place_before_the_camera():
    place = translation_to_3d(
        tf.constant([[110.0, 60.0]]),
        tf.constant([[2.0]]),
        tf.constant([[500.0]]),
        tf.constant([[100.0, 80.0]]),
    )
    np.testing.assert_array_equal(place, [[5, -10, 250]])


def test_gradient_of_the_place(rng):
    # Pixels in tens: the tolerance is for values of up to about 20.
    t, s, f, c = place_in_the_image(rng)
    assert_gradient_is_correct(translation_to_3d, t / 10, s, f / 50, c / 10)
    assert_gradient_agrees_with_autodiff(
        translation_to_3d,
        lambda t, s, f, c: tf.concat([(t - c) / s, f / s], axis=-1),
        *(t, s, f, c),
        rng=rng,
    )


def test_the_origin_is_seen_at_the_place_and_a_millimetre_beside_it_at_the_scale(rng):
    t, s, f, c = place_in_the_image(rng)
    placed = translation_to_3d(*map(tf.constant, (t, s, f, c)))
    points = np.tile([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], (2, 1, 1))
    origin, right, below = np.moveaxis(project(points, placed, f, c), 1, 0)
    np.testing.assert_allclose(origin, t, rtol=1e-13)
    np.testing.assert_allclose(right - origin, s * [1, 0], atol=1e-11)
    np.testing.assert_allclose(below - origin, s * [0, 1], atol=1e-11)


@pytest.mark.parametrize("focal_length", [1e6, 1e9])
def test_with_the_focal_length_it_tends_to_the_papers_camera(focal_length, rng):
    t, s, f, c = place_in_the_image(rng)
    f = np.full_like(f, focal_length)
    points = rng.normal(0, 60, (2, 50, 3))
    placed = translation_to_3d(*map(tf.constant, (t, s, f, c)))
    for one in range(2):
        expected = naive.camera(points[one], np.eye(3), t[one], np.log(s[one, 0]))
        # Off by (Y − c) s z / f: up to 500 pixels times 400 pixels over f; and by rounding.
        np.testing.assert_allclose(
            project(points[one], placed[one], f[one], c[one]),
            expected,
            rtol=0,
            atol=500 * 400 / focal_length + 1e-10,
        )


# Visibility: the signs of projected areas are those of normals against rays


@pytest.mark.parametrize("grid_shape", [(2, 2), (5, 3), (3, 7)])
def test_mask_of_projected_points_is_that_of_normals_against_rays(grid_shape, rng):
    points = rng.normal(size=(grid_shape[0] * grid_shape[1], 3))
    translation = np.array([4.0, -3.0, NEAREST_DEPTH + 4])
    projected = project(points, translation, [50.0], [10.0, 20.0])
    mask = self_occlusion_mask(tf.constant(projected[None]), grid_shape)
    np.testing.assert_array_equal(
        mask[0, :, :, 0], naive.perspective_mask(points + translation, grid_shape)
    )


def test_less_of_a_ball_is_seen_from_near():
    longitude, latitude = np.meshgrid(
        np.radians(np.linspace(-120, 120, 81)), np.radians(np.linspace(-60, 60, 41))
    )
    normals = np.stack(
        [
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
            -np.cos(latitude) * np.cos(longitude),
        ],
        axis=-1,
    ).reshape(-1, 3)
    radius, place = 80.0, np.array([30.0, -20.0, 200.0])
    projected = project(radius * normals, place, [500.0], [112.0, 112.0])
    mask = self_occlusion_mask(tf.constant(projected[None]), (41, 81)).numpy().ravel()
    against_the_ray = np.sum(normals * (radius * normals + place), axis=-1) / place[2]
    clear = np.abs(against_the_ray) > 0.1  # on the rim of the grid, half a cell
    np.testing.assert_array_equal(mask[clear], (against_the_ray[clear] < 0).astype(float))
    assert mask.sum() < 0.8 * np.sum(normals[:, 2] < 0), "parallel rays would see a half of it"


def test_a_near_camera_sees_less_of_the_cheeks_and_more_of_the_nose():
    face = GridModel.bundled()
    landmarks = face.landmarks["ibug68"]
    shares, widths = [], []
    for distance in (300.0, 3000.0):
        focal = [distance]  # one pixel per millimetre at the origin
        projected = project(face.mean, [0.0, 0.0, distance], focal, [0.0, 0.0])
        shares.append(np.mean(self_occlusion_mask(tf.constant(projected[None]), face.grid_shape)))
        x = projected[landmarks, 0]
        widths.append((x[35] - x[31]) / (x[16] - x[0]))  # of the nose over that of the jaw
    assert shares[0] < shares[1] - 0.01
    assert widths[0] > 1.2 * widths[1]


def test_turned_and_placed_it_is_the_whole_camera(rng):
    points, r = rng.normal(0, 60, (5, 3)), [0.3, -0.5, 0.7]
    turned = tf.constant(points) @ tf.transpose(axis_angle_to_matrix(tf.constant(r, tf.float64)))
    projected = project(turned, [20.0, -10.0, 400.0], [600.0], [112.0, 112.0])
    expected = naive.perspective_camera(
        naive.rotate_points(points, naive.rotation_matrix(r)), [20, -10, 400], 600, [112, 112]
    )
    np.testing.assert_allclose(projected, expected, rtol=1e-12)
