"""Self-occlusion by a depth buffer, which finds parts of the face hidden by other parts."""

import math

import tensorflow as tf

from keras_3dmmstn.ops.sampling import points_to_grid
from keras_3dmmstn.ops.visibility import more_of_square, vertex_area

# A pixel holds one integer: the depth of its nearest sample and the sample's position in the pixel
# along x and along y, in 15, 7 and 7 bits.
_DEPTH_BITS, _PLACE_BITS = 15, 7
_PLACES = 2**_PLACE_BITS  # positions in a pixel, along each side
# A sample hides a vertex if it lies this many pixels in front of the vertex's tangent plane.
_CLEARANCE = 0.4
# A vertex is visible only if more than this share of the 3×3 vertices around it is: 4 of 9, so that
# the corners of a region survive.
_SEEN_SHARE = 0.4


def self_occlusion_mask_by_depth(points, grid_shape):
    """Marks the vertices of a rotated mesh that face the viewer and have nothing in front of them.

    Every vertex and the centre of every cell is a sample for the raster pixel to which it projects.
    The raster has about as many pixels as the grid has vertices, and is fitted to the mesh of each
    example. A pixel keeps the nearest of its samples, q. A vertex p in the same pixel, with unit
    normal n, is hidden if q is in front of its tangent plane,

        ⟨n, q − p⟩ > 0.4 pixels.

    Comparing depths alone would need a bias that grows with the slope; a neighbour of p on the same
    surface lies near its tangent plane or behind it, however steep that is. Finally, a vertex stays
    visible only if at least four of the nine vertices around it are, which removes isolated errors
    where the raster has a gap.

    The mask is constant almost everywhere, so the gradient is zero: the network does not learn
    from changes in occlusion.

    Args:
        points: `(batch, H'·W', 3)` float tensor, rotated vertices X' (row-major grid), any unit.
        grid_shape: (H', W'), two integers.

    Returns:
        `(batch, H', W', 1)` mask in the dtype of `points`, 1 visible, 0 hidden.

    Source:
        Bas et al. 2017, sec. 2.3, "Self-occlusions": "computed exactly using [...] z-buffering".
        Catmull 1974 for the buffer.
    """
    return _is_seen(points_to_grid(points, grid_shape))


@tf.custom_gradient
def _is_seen(grid):
    """Returns the visibility of grid vertices, `(batch, H', W', 3)` -> `(batch, H', W', 1)`."""
    side = round(math.sqrt(grid.shape[1] * grid.shape[2]))  # of the raster, in pixels
    x, y, z = _in_raster(grid, side)

    n_x, n_y, n_z = vertex_area(y, z), vertex_area(z, x), vertex_area(x, y)
    to_x, to_y, to_z = _offset_of_nearest(x, y, z, side)
    height = n_x * to_x + n_y * to_y + n_z * to_z  # times |n|
    clearance = _CLEARANCE * tf.sqrt(n_x**2 + n_y**2 + n_z**2)

    # Products of 0 and 1: a logical "and" takes LiteRT several times as long.
    faces_viewer = tf.cast(n_z < 0, grid.dtype)
    seen = faces_viewer * tf.cast(height <= clearance, grid.dtype)
    visible = faces_viewer * tf.cast(more_of_square(seen, 3, _SEEN_SHARE), grid.dtype)
    visible = tf.expand_dims(visible, -1)

    def gradient(upstream):  # (batch, H', W', 1) -> (batch, H', W', 3)
        del upstream
        return tf.zeros_like(grid)

    return visible, gradient


def _in_raster(grid, side):
    """Returns x, y and z of grid vertices in pixels of the raster, planes `(batch, H', W')`.

    They are in 0..side; all 0 for an example that contains a NaN, so that they can be indices.
    """
    rows, columns = grid.shape[1:3]
    # As planes, with which LiteRT computes in a third of the time.
    planes = tf.transpose(tf.reshape(grid, (-1, rows * columns, 3)), (0, 2, 1))
    planes -= tf.reduce_min(planes, axis=2, keepdims=True)
    planes = planes / tf.reduce_max(planes, axis=(1, 2), keepdims=True) * side
    planes = tf.where(planes >= 0, planes, tf.zeros_like(planes))
    return tf.unstack(tf.reshape(planes, (-1, 3, rows, columns)), axis=1)


def _offset_of_nearest(x, y, z, side):
    """Returns q − p for each vertex p and the nearest sample q in its pixel.

    The result is three planes `(batch, H', W')` in pixels, like the arguments.
    """
    given = x.dtype
    if given.size < 4:  # half precision has too few whole numbers
        x, y, z = (tf.cast(plane, tf.float32) for plane in (x, y, z))
    pixel, place = _pixel_and_place(x, y, z, side)
    centres = _pixel_and_place(_centres(x), _centres(y), _centres(z), side)
    first_pixel = tf.range(tf.shape(x)[0])[:, None] * side**2  # of each example
    own_pixel = first_pixel + tf.cast(_flat(pixel), tf.int32)
    pixels = tf.concat([own_pixel, first_pixel + tf.cast(_flat(centres[0]), tf.int32)], axis=1)
    samples = tf.concat([_flat(_pack(*place)), _flat(_pack(*centres[1]))], axis=1)
    buffer = tf.math.unsorted_segment_min(
        tf.reshape(samples, (-1,)), tf.reshape(pixels, (-1,)), tf.shape(x)[0] * side**2
    )
    nearest = tf.reshape(tf.gather(buffer, tf.reshape(own_pixel, (-1,))), tf.shape(x))

    q_minus_p = (q - p for q, p in zip(_unpack(nearest, x.dtype), place, strict=True))
    steps = (1 / _PLACES, 1 / _PLACES, side / 2**_DEPTH_BITS)  # in pixels
    return [tf.cast(offset * step, given) for offset, step in zip(q_minus_p, steps, strict=True)]


def _pixel_and_place(x, y, z, side):
    """Returns the number of each point's pixel, and (x, y) in the pixel and z in whole steps.

    All are whole numbers stored as floats: with integers LiteRT is ten times as slow. The constants
    are exact in half precision, in which models with 16-bit weights store them.
    """
    x, y = tf.floor(x * _PLACES), tf.floor(y * _PLACES)
    column, row = (tf.minimum(tf.floor(a / _PLACES), side - 1) for a in (x, y))
    place = (tf.minimum(a - cell * _PLACES, _PLACES - 1) for a, cell in ((x, column), (y, row)))
    depth = tf.minimum(tf.floor(z * (2**_DEPTH_BITS / side)), 2**_DEPTH_BITS - 16)
    return row * side + column, (*place, depth)


def _pack(x, y, z):
    """Returns one integer for a position in a pixel and a depth, smaller if nearer."""
    place = tf.cast(x * _PLACES + y, tf.int32)  # with the depth, it has too many bits for a float
    return tf.cast(z, tf.int32) * _PLACES**2 + place


def _unpack(packed, dtype):
    """Returns x, y and z from `_pack`, as floats of a dtype."""
    z = tf.bitwise.right_shift(packed, 2 * _PLACE_BITS)
    place = tf.cast(packed - z * _PLACES**2, dtype)
    x = tf.floor(place / _PLACES)
    return x, place - x * _PLACES, tf.cast(z, dtype)


def _centres(plane):
    """Returns the mean of each cell's corners, `(batch, H', W')` -> `(batch, H' − 1, W' − 1)`."""
    columns = plane[:, :, :-1] + plane[:, :, 1:]
    return (columns[:, :-1] + columns[:, 1:]) / 4


def _flat(plane):
    """Flattens a plane, `(batch, rows, columns)` -> `(batch, rows·columns)`."""
    return tf.reshape(plane, (-1, plane.shape[1] * plane.shape[2]))
