"""The network after its features, written for one image and the operators of a phone.

The functions are those of `keras_3dmmstn.ops`, without gradients and with other shapes: planes
instead of interleaved coordinates, and gathers with one-dimensional indices. Only here is the basis
replaced by its `SurfaceFactors`; the landmarks keep their exact vertices.
"""

import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops
from keras_3dmmstn.export.mobile.surface_factors import SurfaceFactors
from keras_3dmmstn.mesh import GridModel, contour_lines, occlusion_table
from keras_3dmmstn.ops.perspective import NEAREST_DEPTH

# Turns a positive number of any size that an area in pixels has into at least 1.
_STEEP = 1e20

# The rotation of a quaternion q = (x, y, z, w): its rows are linear in q qᵀ.
_QUATERNION_TERMS = {
    (0, 0): {"xx": 1, "yy": -1, "zz": -1, "ww": 1},
    (0, 1): {"xy": 2, "zw": -2},
    (0, 2): {"xz": 2, "yw": 2},
    (1, 0): {"xy": 2, "zw": 2},
    (1, 1): {"xx": -1, "yy": 1, "zz": -1, "ww": 1},
    (1, 2): {"yz": 2, "xw": -2},
    (2, 0): {"xz": 2, "yw": -2},
    (2, 1): {"yz": 2, "xw": 2},
    (2, 2): {"xx": -1, "yy": -1, "zz": 1, "ww": 1},
}


def scaled_rotation(theta, rows=2):
    """Returns the first two or all three rows of s R, `(rows, 3)`, of θ `(1, 6 + D)`."""
    r = theta[:, :3]
    angle = tf.maximum(tf.sqrt(tf.reduce_sum(r * r, axis=-1, keepdims=True)), 1e-6)
    quaternion = tf.concat([r * (tf.sin(angle / 2) / angle), tf.cos(angle / 2)], axis=-1)
    products = tf.reshape(tf.transpose(quaternion) * quaternion, (1, 16))
    matrix = tf.matmul(products, tf.constant(_quaternion_matrix(rows))) * tf.exp(theta[:, 5:6])
    return tf.reshape(matrix, (rows, 3))


def placed(scaled, theta, intrinsics=None):
    """Returns the image positions of scaled and turned vertices, planes `(2, N)` in pixels.

    With q = (s X'_xy + t − c, s X'_z + f) the perspective camera of `ops.project_perspective`, its
    tangent near the camera included, is f (2 − q_z / d) q_xy / d + c, d = max(q_z, s n).

    Args:
        scaled: planes of s R X, `(3, N)`; `(2, N)` are enough without a perspective camera.
        theta: θ `(1, 6 + D)`.
        intrinsics: those of a perspective camera in pixels of the image, as `Camera.intrinsics`.
    """
    t = tf.reshape(theta[:, 3:5], (2, 1))
    if not intrinsics:
        return scaled[:2] + t
    focal_length = tf.constant(intrinsics["focal_length"])
    principal_point = tf.constant(intrinsics["principal_point"].T)
    sideways, depth = scaled[:2] + (t - principal_point), scaled[2:] + focal_length
    nearest = tf.maximum(depth, NEAREST_DEPTH * tf.exp(theta[:, 5:6]))
    return focal_length * (2 - depth / nearest) / nearest * sideways + principal_point


def surface(theta, grid_model: GridModel, factors: SurfaceFactors, axes=2):
    """Returns the turned and scaled vertices s R X as planes `(axes, H'·W')`, pixels.

    The small core is turned before it is spread over the grid, so that only the coordinates that
    are needed are spread.
    """
    height, width = grid_model.grid_shape
    rank_rows, rank_columns = factors.rows.shape[1], factors.columns.shape[1]
    matrix = scaled_rotation(theta, axes)
    flat_core = tf.constant(factors.core.reshape(len(factors.core), -1))
    core = tf.reshape(tf.matmul(theta[:, 6:], flat_core), (3, -1))
    core = tf.reshape(tf.matmul(matrix, core), (axes * rank_columns, rank_rows))
    spread = tf.reshape(tf.matmul(core, tf.constant(factors.rows.T)), (axes, rank_columns, height))
    spread = tf.reshape(tf.transpose(spread, (0, 2, 1)), (axes * height, rank_columns))
    offsets = tf.matmul(spread, tf.constant(factors.columns.T))
    mean = tf.matmul(matrix, tf.constant(np.ascontiguousarray(grid_model.mean.T)))
    return tf.reshape(offsets, (axes, height * width)) + mean


def exact_visibility(scaled, points, theta, grid_model: GridModel, method, intrinsics=None):
    """Returns what `SelfOcclusionMask` sees with an exact method, flat `(1, H'·W')`.

    Args:
        scaled: planes of s R X, `(3, H'·W')`.
        points: as from `placed`.
        theta: θ `(1, 6 + D)`.
        grid_model: the face model.
        method: "depth" or "table".
        intrinsics: as for `placed`.
    """
    seen = scaled  # in pixels: both methods take any unit
    if intrinsics:
        seen = tf.concat([points, scaled[2:] / tf.exp(theta[:, 5:6])], axis=0)
    seen = tf.transpose(seen)[None]
    if method == "depth":
        mask = ops.self_occlusion_mask_by_depth(seen, grid_model.grid_shape)
    else:
        rotation = scaled_rotation(theta, 3)[None] / tf.exp(theta[:, 5:6])
        table = tf.constant(occlusion_table(grid_model))
        mask = ops.self_occlusion_mask_by_table(seen, rotation, grid_model.grid_shape, table)
    return tf.reshape(mask, (1, -1))


def cleaned(mask, grid_shape, rims, majority):
    """Returns a mask, flat `(1, H'·W')`, as `SelfOcclusionMask` cleans it (see `mask_cleaning`)."""
    mask = tf.reshape(mask, (1, *grid_shape, 1))
    if rims is not None:
        mask = ops.follow_rims(mask, tf.constant(rims))
    if majority > 1:
        mask = ops.without_specks(mask, majority)
    return tf.reshape(mask, (1, -1))


def visibility(points, grid_shape):
    """Returns `ops.self_occlusion_mask` of planes `(2, H'·W')`, flat `(1, H'·W')`."""
    height, width = grid_shape
    count = height * width - width - 1  # the last cells of all rows but the last wrap around
    x, y = tf.split(points, 2)

    def corner(plane, row, column):  # of all cells, (1, count)
        return tf.slice(plane, (0, row * width + column), (1, count))

    falling_x, falling_y = (corner(plane, 1, 1) - corner(plane, 0, 0) for plane in (x, y))
    rising_x, rising_y = (corner(plane, 0, 1) - corner(plane, 1, 0) for plane in (x, y))
    cell = falling_x * rising_y - falling_y * rising_x
    is_cell = (np.arange(count) % width != width - 1).astype(np.float32)
    # Vertex (i, j) touches cells (i − 1, j − 1), (i − 1, j), (i, j − 1) and (i, j).
    cell = tf.pad(cell * tf.constant(is_cell), [(0, 0), (width + 1, width + 1)])
    columns = cell[:, 1:] + cell[:, :-1]
    normal_z = columns[:, width:] + columns[:, :-width]
    return tf.minimum(tf.nn.relu(normal_z * -_STEEP), 1.0)


def masked_samples(image, points, visible):
    """Returns `ops.sample_bilinear` of an image at planes `(2, N)`, times the mask: `(N, 3)`."""
    height, width = image.shape[1:3]
    count = points.shape[1]
    last = tf.constant([[width - 2.0], [height - 2.0]])
    low = tf.minimum(tf.maximum(tf.floor(points), 0.0), last)
    # Distance of a point from the pixels before and after it, `(axis, pixel, N)`; outside the image
    # both are above 1.
    distance = tf.abs((points - low)[:, None] - tf.constant([[0.0], [1.0]]))
    weight_x, weight_y = tf.split(tf.nn.relu(1 - distance), 2)
    weight = tf.reshape(weight_y * visible, (2, 1, count)) * weight_x

    low_x, low_y = tf.split(low, 2)
    taps = tf.constant([[0.0], [1.0], [width], [width + 1.0]])  # as the weights: row, column
    index = tf.cast(low_y * width + low_x + taps, tf.int32)
    pixels = tf.gather(tf.reshape(image, (height * width, 3)), tf.reshape(index, (-1,)))
    # Again planes: a product that repeats the weight for each colour is slow.
    planes = tf.transpose(pixels) * tf.reshape(weight, (1, -1))
    samples = tf.reduce_sum(tf.reshape(planes, (3, 4, count)), axis=1)
    return tf.transpose(tf.minimum(samples, 255.0))  # rounding may take the sum past it


def landmark_points(theta, grid_model: GridModel, name: str, intrinsics=None):
    """Returns the landmarks of a set `(1, L, 2)` in pixels, from their own vertices.

    Those of `ibug68` have the jaw on the apparent contour, as in `spatial_transformer`. The camera
    is as for `placed`.
    """
    axes = 3 if intrinsics else 2
    indices = grid_model.landmark_indices(name)
    lines, directions = np.zeros((0, 0), np.int32), np.zeros((0, 2), np.float32)
    if name.startswith("ibug68"):
        lines, directions = contour_lines(grid_model)
    vertices = np.concatenate([lines.ravel(), indices[len(lines) :]])
    basis = grid_model.basis[:, vertices].transpose(0, 2, 1).reshape(grid_model.modes, -1)
    mean = grid_model.mean[vertices].T.reshape(1, -1)
    matrix = scaled_rotation(theta, axes)
    weights = tf.concat([tf.ones((1, 1)), theta[:, 6:]], axis=1)
    # The part of a number that float16 loses goes into a second one. Without it, points are off by
    # 0.03 pixels, which is sometimes enough for another jaw point to lie outermost.
    halves = _float16_and_rest(np.concatenate([mean, basis]))
    shape = tf.matmul(tf.concat([weights, weights], axis=1), tf.constant(halves))
    scaled = tf.matmul(matrix, tf.reshape(shape, (3, len(vertices))))
    points = placed(scaled, theta, intrinsics)  # (2, vertices)
    if len(lines):
        candidates = tf.reshape(points[:, : lines.size], (2, *lines.shape))
        outward = tf.matmul(matrix[:2, :2], tf.constant(directions.T))[..., None]
        distance = tf.reduce_sum(candidates * outward, axis=0)
        chosen = tf.one_hot(tf.argmax(distance, axis=-1, output_type=tf.int32), lines.shape[1])
        jaw = tf.reduce_sum(candidates * chosen, axis=-1)
        points = tf.concat([jaw, points[:, lines.size :]], axis=-1)
    return tf.transpose(points)[None]


def _float16_and_rest(values):
    """Returns numbers `(rows, columns)` as sums of two each, `(2·rows, columns)` float32."""
    nearest = values.astype(np.float16).astype(np.float32)
    return np.concatenate([nearest, values - nearest])


def _quaternion_matrix(rows):
    """Returns the matrix `(16, rows · 3)` from q qᵀ to the first rows of the rotation."""
    matrix = np.zeros((4, 4, 3, 3), np.float32)
    for (row, column), terms in _QUATERNION_TERMS.items():
        for product, factor in terms.items():
            first, second = ("xyzw".index(letter) for letter in product)
            matrix[first, second, row, column] = factor
    return matrix[:, :, :rows].reshape(16, 3 * rows)
