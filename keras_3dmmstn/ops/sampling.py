"""The sampler: point lists as grids, and bilinear sampling of images at grid points."""

import tensorflow as tf


def points_to_grid(points, grid_shape):
    """Lays a row-major list of points out as an H'×W' grid; the gradient is laid back.

    Args:
        points: `(batch, H'·W', dimensions)` tensor.
        grid_shape: (H', W'), two integers.

    Returns:
        `(batch, H', W', dimensions)` tensor.

    Source:
        Bas et al. 2017, sec. 2.3, "Output grid".
    """
    dimensions = points.shape[-1]
    grid = _reshape(points, tf.constant((-1, *grid_shape, dimensions)))
    grid.set_shape((points.shape[0], *grid_shape, dimensions))
    return grid


@tf.custom_gradient
def _reshape(points, shape):
    """Reshapes `points`, as an op with the published derivative: the inverse reshape."""

    def gradient(upstream):
        return tf.reshape(upstream, tf.shape(points)), None

    return tf.reshape(points, shape), gradient


@tf.custom_gradient
def sample_bilinear(image, grid):
    """Samples images bilinearly at the points of a grid.

        V(x, y) = Σ_jk I_jk max(0, 1 − |x − k|) max(0, 1 − |y − j|)

    Only the four pixels around (x, y), at ⌊x⌋, ⌊x⌋+1 and ⌊y⌋, ⌊y⌋+1, have a weight. Pixels outside
    the image count as 0, so V fades to 0 within one pixel of the border; a coordinate that is
    not finite is outside. With G = ∂L/∂V, each pixel receives its weight times G, and

        ∂L/∂x = Σ_c G^c Σ_j w_j(y) (I^c_{j,⌊x⌋+1} − I^c_{j,⌊x⌋}),    likewise for y.

    V has a kink where a coordinate is an integer; there the derivative towards larger
    coordinates is returned.

    Args:
        image: `(batch, height, width, channels)` float tensor.
        grid: `(batch, ..., 2)` float tensor of (x, y) in pixels, of the image's dtype.

    Returns:
        `(batch, ..., channels)` samples.

    Source:
        Bas et al. 2017, sec. 2.3, "Bilinear sampling"; Jaderberg et al. 2015, eq. (5) to (7).
    """
    height, width, channels = (_size(image, axis) for axis in (1, 2, 3))
    x0, x1, weight_x0, weight_x1, inside_x0, inside_x1 = _two_taps(grid[..., 0], width)
    y0, y1, weight_y0, weight_y1, inside_y0, inside_y1 = _two_taps(grid[..., 1], height)

    pixels = tf.reshape(image, (-1, channels))
    first_pixel = _first_pixel_of_each_image(image, grid)
    row0, row1 = first_pixel + y0 * width, first_pixel + y1 * width
    index = (row0 + x0, row0 + x1, row1 + x0, row1 + x1)
    weight = (
        weight_y0 * weight_x0,
        weight_y0 * weight_x1,
        weight_y1 * weight_x0,
        weight_y1 * weight_x1,
    )
    taps = [tf.gather(pixels, i) for i in index]  # I at (y0, x0), (y0, x1), (y1, x0), (y1, x1)
    samples = tf.add_n([w[..., None] * tap for w, tap in zip(weight, taps, strict=True)])

    def gradient(upstream):  # (batch, ..., channels) -> image, (batch, ..., 2)
        scattered = [
            tf.math.unsorted_segment_sum(w[..., None] * upstream, i, tf.shape(pixels)[0])
            for w, i in zip(weight, index, strict=True)
        ]
        to_image = tf.reshape(tf.add_n(scattered), tf.shape(image))

        g00, g01, g10, g11 = (tf.reduce_sum(upstream * tap, axis=-1) for tap in taps)
        to_x = weight_y0 * (inside_x1 * g01 - inside_x0 * g00)
        to_x += weight_y1 * (inside_x1 * g11 - inside_x0 * g10)
        to_y = weight_x0 * (inside_y1 * g10 - inside_y0 * g00)
        to_y += weight_x1 * (inside_y1 * g11 - inside_y0 * g01)
        return to_image, tf.stack([to_x, to_y], axis=-1)

    return samples, gradient


def _two_taps(coordinate, size):
    """Returns the pixels below and above a coordinate, their weights, and whether they exist.

    The pixel numbers are clipped to the image; the weight of a pixel that does not exist is 0.
    """
    dtype = coordinate.dtype
    # Far coordinates are brought near, so that they fit an integer; all their taps are outside.
    coordinate = tf.clip_by_value(coordinate, tf.cast(-2, dtype), tf.cast(size, dtype))
    below = tf.floor(coordinate)
    fraction = coordinate - below
    last = tf.cast(size - 1, dtype)
    inside_below = tf.cast((below >= 0) & (below <= last), dtype)
    inside_above = tf.cast((below >= -1) & (below <= last - 1), dtype)
    number = tf.cast(below, tf.int32)
    finite = tf.where(tf.math.is_finite(fraction), fraction, tf.zeros_like(fraction))
    return (
        tf.clip_by_value(number, 0, size - 1),
        tf.clip_by_value(number + 1, 0, size - 1),
        (1 - finite) * inside_below,
        finite * inside_above,
        inside_below,
        inside_above,
    )


def _first_pixel_of_each_image(image, grid):
    """Returns the flat index of each image's first pixel, `(batch, 1, ...)` to go with the grid."""
    batch, pixels = tf.shape(image)[0], _size(image, 1) * _size(image, 2)
    ones = [1] * (len(grid.shape) - 2)
    return tf.reshape(tf.range(batch) * pixels, [-1, *ones])


def _size(tensor, axis):
    """Returns the size along an axis: a number where it is known, else a tensor."""
    return tensor.shape[axis] if tensor.shape[axis] is not None else tf.shape(tensor)[axis]
