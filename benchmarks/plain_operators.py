"""The operators once more as anyone would write them, with automatic differentiation.

They have the same arguments and results as those in `keras_3dmmstn.ops`, whose hand-written
gradients are compared with them.
"""

import numpy as np
import tensorflow as tf


def assert_same(ours, theirs, tolerance=1e-3):
    """Raises an AssertionError unless two structures of tensors agree.

    They agree if they differ by a thousandth of their size on average: float32 in another order,
    and a visible vertex here and there whose normal is all but at a right angle to the view.
    """
    for a, b in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape, f"shapes {a.shape} and {b.shape}"
        difference, size = np.abs(a - b).mean(), np.abs(a).mean()
        assert difference <= tolerance * size, f"differ by {difference:.3g} of {size:.3g}"


def axis_angle_to_matrix(axis_angle):
    """R = cos θ I + sin θ [r̄]× + (1 − cos θ) r̄ r̄ᵀ; not defined at r = 0."""
    angle = tf.norm(axis_angle, axis=-1, keepdims=True)
    axis = axis_angle / angle
    x, y, z = tf.unstack(axis, axis=-1)
    zero = tf.zeros_like(x)
    cross = tf.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
    cross = tf.reshape(cross, (*axis.shape, 3))
    outer = axis[..., :, None] * axis[..., None, :]
    cos, sin = tf.cos(angle)[..., None], tf.sin(angle)[..., None]
    return cos * tf.eye(3) + sin * cross + (1 - cos) * outer


def split_parameters(parameters):
    return tf.split(parameters, [3, 2, 1, parameters.shape[-1] - 6], axis=-1)


def shape_from_coefficients(coefficients, mean, basis):
    return mean + tf.einsum("bk,kni->bni", coefficients, basis)  # b: batch, k: mode, n: point


def rotate_points(points, rotation):
    return tf.einsum("bij,bnj->bni", rotation, points)


def project_orthographic(points):
    return points[..., :2]


def log_scale_to_scale(log_scale):
    return tf.exp(log_scale)


def scale_points(points, scale):
    return points * scale[:, None]


def translate_points(points, translation):
    return points + translation[:, None]


def translation_to_3d(translation, scale, focal_length, principal_point):
    return tf.concat([translation - principal_point, focal_length], axis=-1) / scale


def project_perspective(points, translation, focal_length, principal_point):
    """Not defined at the camera."""
    placed = points + translation[:, None]
    return focal_length[:, None] * placed[..., :2] / placed[..., 2:] + principal_point[:, None]


def select_points(points, indices):
    return tf.gather(points, indices, axis=1)


def select_outermost(candidates, directions):
    distance = tf.einsum("blkd,bld->blk", candidates, directions)
    return tf.gather(candidates, tf.argmax(distance, axis=-1), axis=2, batch_dims=2)


def points_to_grid(points, grid_shape):
    return tf.reshape(points, (-1, *grid_shape, points.shape[-1]))


def sample_bilinear(image, grid):
    """Four taps, each gathered by image, row and column; outside the image is 0."""
    height, width = image.shape[1:3]
    x, y = grid[..., 0], grid[..., 1]
    number = tf.range(tf.shape(image)[0])[:, None, None] + tf.zeros_like(x, tf.int32)
    samples = 0.0
    for row in (tf.floor(y), tf.floor(y) + 1):
        for column in (tf.floor(x), tf.floor(x) + 1):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            weight = (1 - tf.abs(x - column)) * (1 - tf.abs(y - row)) * tf.cast(inside, x.dtype)
            place = [tf.clip_by_value(row, 0, height - 1), tf.clip_by_value(column, 0, width - 1)]
            index = tf.stack([number, *(tf.cast(p, tf.int32) for p in place)], axis=-1)
            samples += weight[..., None] * tf.gather_nd(image, index)
    return samples


def self_occlusion_mask(points, grid_shape):
    """The sum of the normals of the cells around a vertex, as cross products of the diagonals."""
    grid = points_to_grid(points, grid_shape)
    falling = grid[:, 1:, 1:] - grid[:, :-1, :-1]
    rising = grid[:, :-1, 1:] - grid[:, 1:, :-1]
    cell = tf.pad(tf.linalg.cross(falling, rising), [(0, 0), (1, 1), (1, 1), (0, 0)])
    normal = cell[:, 1:, 1:] + cell[:, :-1, 1:] + cell[:, 1:, :-1] + cell[:, :-1, :-1]
    return tf.cast(normal[..., 2:] < 0, points.dtype)


def mask_texture(texture, mask):
    return texture * mask
