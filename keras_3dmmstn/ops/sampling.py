"""The sampler: point lists as grids, and bilinear sampling of images at grid points."""

import tensorflow as tf


def points_to_grid(points, grid_shape):
    """Arranges a row-major list of points as an H'×W' grid; the gradient is reshaped back.

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


def sample_bilinear(image, grid):
    """Samples images bilinearly at the points of a grid.

        V(x, y) = Σ_jk I_jk h(x − k) h(y − j),    h(d) = max(0, 1 − |d|)

    Only four pixels have a weight, those at l and l + 1 along each axis, where l is ⌊x⌋ clipped to
    the image. Pixels outside the image count as 0, so V fades to 0 within one pixel of the border;
    a coordinate that is not finite is outside. With G = ∂L/∂V, each pixel receives its weight times
    G, and

        ∂L/∂x = Σ_c G^c Σ_jk I^c_jk h'(x − k) h(y − j),    likewise for y.

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
    missing = [_missing_to_two(_size(image, axis)) for axis in (1, 2)]
    if any(tf.is_tensor(pixels) or pixels for pixels in missing):
        image = tf.pad(image, [(0, 0), *((0, pixels) for pixels in missing), (0, 0)])
    return _sample_cells(image, grid)


@tf.custom_gradient
def _sample_cells(image, grid):
    """Samples images of at least 2 × 2 pixels, each point from the cell of four it belongs to."""
    height, width, channels = (_size(image, axis) for axis in (1, 2, 3))
    column, right = _cell(grid[..., 0], width)
    row, below = _cell(grid[..., 1], height)
    left_weight, right_weight = _hat(right), _hat(right - 1)
    upper_weight, lower_weight = _hat(below), _hat(below - 1)

    # In the order (l, l), (l, l + 1), (l + 1, l), (l + 1, l + 1) of row and column.
    pixels = tf.reshape(image, (-1, channels))
    first = _first_pixel_of_each_image(image, grid) + row * width + column
    # This changes nothing. But XLA would recompute cheap indices for each of the gathers, with the
    # whole projection that they depend on; it computes a remainder once. The maximum is for empty
    # batches, since ONNX refuses to divide by 0.
    first %= tf.maximum(tf.shape(pixels)[0], 1)
    index = (first, first + 1, first + width, first + width + 1)
    weight = (
        upper_weight * left_weight,
        upper_weight * right_weight,
        lower_weight * left_weight,
        lower_weight * right_weight,
    )
    taps = [tf.gather(pixels, i) for i in index]
    samples = tf.add_n([w[..., None] * tap for w, tap in zip(weight, taps, strict=True)])
    # Rounding may make the sum exceed the largest pixel, and so the level 255.
    samples = tf.minimum(samples, _largest_or_zero(*taps))

    def gradient(upstream):  # (batch, ..., channels) -> image, (batch, ..., 2)
        g00, g01, g10, g11 = (_sum_over_channels(upstream, tap) for tap in taps)
        left_slope, right_slope = _hat_slope(right), _hat_slope(right - 1)
        upper_slope, lower_slope = _hat_slope(below), _hat_slope(below - 1)
        to_x = upper_weight * (left_slope * g00 + right_slope * g01)
        to_x += lower_weight * (left_slope * g10 + right_slope * g11)
        to_y = left_weight * (upper_slope * g00 + lower_slope * g10)
        to_y += right_weight * (upper_slope * g01 + lower_slope * g11)
        to_grid = tf.transpose(tf.reshape(tf.stack([to_x, to_y]), (2, -1)))
        to_image = _scatter(upstream, weight, index, tf.shape(pixels)[0])
        return tf.reshape(to_image, tf.shape(image)), tf.reshape(to_grid, tf.shape(grid))

    return samples, gradient


def _cell(coordinate, size):
    """Returns the cell of a coordinate, l in 0..size − 2, and the distance from pixel l."""
    outside = tf.fill(tf.shape(coordinate), tf.constant(-2, coordinate.dtype))
    coordinate = tf.where(tf.equal(coordinate, coordinate), coordinate, outside)  # NaN
    # After clipping, rounding towards 0 is the same as ⌊x⌋, and far coordinates do not matter.
    low = tf.clip_by_value(tf.cast(coordinate, tf.int32), 0, size - 2)
    return low, coordinate - tf.cast(low, coordinate.dtype)


def _largest_or_zero(first, second, third, fourth):
    """Returns the largest of four pixels and 0, the value outside the image."""
    return tf.nn.relu(tf.maximum(tf.maximum(first, second), tf.maximum(third, fourth)))


def _hat(distance):
    """Returns h(d) = max(0, 1 − |d|)."""
    return tf.nn.relu(1 - tf.abs(distance))


def _hat_slope(distance):
    """Returns h'(d): 1 in [−1, 0), −1 in [0, 1), else 0."""
    steps = [tf.cast(distance >= at, distance.dtype) for at in (-1, 0, 1)]
    return steps[0] - 2 * steps[1] + steps[2]


# Up to so many channels are treated as planes. With three, a graph scatters planes in about two
# thirds of the time that rows take; XLA takes about the same time for both.
_FEW_CHANNELS = 4


def _sum_over_channels(first, second):
    """Returns the scalar products of `(..., channels)` and `(..., channels)`, `(...)`."""
    if first.shape[-1] is None or first.shape[-1] > _FEW_CHANNELS:
        return tf.reduce_sum(first * second, axis=-1)
    planes = zip(tf.unstack(first, axis=-1), tf.unstack(second, axis=-1), strict=True)
    return tf.add_n([a * b for a, b in planes])


def _scatter(values, weight, index, size):
    """Adds weighted `(..., channels)` values to the pixels of their indices, `(size, channels)`.

    It is one sum over all taps, so that a tensor as large as the image is made only once.
    """
    channels = values.shape[-1]
    index = tf.concat([tf.reshape(i, [-1]) for i in index], axis=0)
    weight = [tf.reshape(w, [-1]) for w in weight]

    if channels is None or channels > _FEW_CHANNELS:
        rows = tf.reshape(values, (-1, _size(values, -1)))
        weighted = tf.concat([w[:, None] * rows for w in weight], axis=0)
        return tf.math.unsorted_segment_sum(weighted, index, size)

    planes = [tf.reshape(plane, [-1]) for plane in tf.unstack(values, axis=-1)]
    weighted = [tf.concat([w * plane for w in weight], axis=0) for plane in planes]
    # These run in parallel, while a single sum uses one thread.
    sums = [tf.math.unsorted_segment_sum(plane, index, size) for plane in weighted]
    return tf.transpose(tf.stack(sums))


def _missing_to_two(size):
    """Returns how many pixels an axis lacks for a cell: 1 if it has a single one, else 0."""
    return tf.maximum(2 - size, 0) if tf.is_tensor(size) else max(2 - size, 0)


def _first_pixel_of_each_image(image, grid):
    """Returns the flat index of each image's first pixel, `(batch, 1, ...)` to match the grid."""
    batch, pixels = tf.shape(image)[0], _size(image, 1) * _size(image, 2)
    ones = [1] * (len(grid.shape) - 2)
    return tf.reshape(tf.range(batch) * pixels, [-1, *ones])


def _size(tensor, axis):
    """Returns the size along an axis: a number if it is known, else a tensor."""
    return tensor.shape[axis] if tensor.shape[axis] is not None else tf.shape(tensor)[axis]
