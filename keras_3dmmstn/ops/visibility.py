"""Self-occlusion by back-facing normals, and the masking of textures."""

import functools

import numpy as np
import tensorflow as tf

from keras_3dmmstn.ops.sampling import points_to_grid


def self_occlusion_mask(points, grid_shape):
    """Marks the vertices of a rotated mesh whose outward normal faces the viewer.

    A vertex normal is the sum of the area vectors of the (up to four) quadrilaterals around it,
    area vector = ½ (p₁₁ − p₀₀) × (p₀₁ − p₁₀) for corners p_{row, column}. The viewer looks along
    +z, so a vertex is visible if its normal's z is negative. Only x and y matter for that.
    It is exact for convex shapes, but misses vertices hidden by another part of the face.

    The mask is constant almost everywhere, so the gradient is zero: the network does not learn
    from changes in occlusion.

    Args:
        points: `(batch, H'·W', 3)` float tensor, rotated vertices X' (row-major grid).
        grid_shape: (H', W'), two integers.

    Returns:
        `(batch, H', W', 1)` mask in the dtype of `points`, 1 visible, 0 hidden.

    Source:
        Bas et al. 2017, sec. 2.3, "Self-occlusions".
    """
    return faces_the_viewer(points_to_grid(points, grid_shape))


def follow_rims(mask, rims):
    """Gives vertices, such as those inside mouth and eyes, the visibility of other ones.

    Args:
        mask: `(batch, H', W', 1)` float tensor.
        rims: `(H'·W',)` int tensor, the vertex that each follows; the others follow themselves.

    Returns:
        `(batch, H', W', 1)` mask. Its gradient is zero.
    """
    rims = tf.convert_to_tensor(rims)

    @tf.custom_gradient
    def following(mask):
        rows, columns = mask.shape[1:3]
        flat = tf.reshape(mask, (-1, rows * columns))
        followed = tf.reshape(tf.gather(flat, rims, axis=1), (-1, rows, columns, 1))
        return followed, lambda upstream: tf.zeros_like(upstream)

    return following(mask)


def without_specks(mask, side):
    """Removes holes and islands of a few vertices and straightens the mask's border.

    First each vertex gets the visibility of the majority in the square around it. Then, in the
    outer quarter of the texture on each side, vertices further out than a hidden one of the same
    row are hidden too: there the surface has turned away beyond the contour, and anything visible
    further out is a speck.

    Args:
        mask: `(batch, H', W', 1)` float tensor of 0 and 1.
        side: of the square, an odd number of vertices.

    Returns:
        `(batch, H', W', 1)` mask. Its gradient is zero.
    """
    columns = mask.shape[2]
    further_in = tf.constant(_further_in(columns), mask.dtype)

    @tf.custom_gradient
    def cleaned(mask):
        hidden = 1 - tf.cast(more_of_square(tf.squeeze(mask, -1), side, 0.5), mask.dtype)
        behind = tf.linalg.matmul(hidden, further_in)  # hidden vertices further in, in the row
        visible = tf.expand_dims(tf.cast(hidden + behind < 0.5, mask.dtype), -1)
        return visible, lambda upstream: tf.zeros_like(upstream)

    return cleaned(mask)


def more_of_square(mask, side, share):
    """Returns where more than a share of the square around a vertex is 1.

    Of squares that reach beyond the grid, only the part inside counts.

    Args:
        mask: `(batch, H', W')` float tensor of 0 and 1.
        side: of the square, an odd number of vertices.
        share: between 0 and 1.

    Returns:
        `(batch, H', W')` bool.
    """
    ones = np.ones((1, *mask.shape[1:]), np.float32)
    sums, sizes = (_sums_along(_sums_along(values, side, 2), side, 1) for values in (mask, ones))
    # A quarter of a vertex exceeds rounding errors, and is too little to change a whole number.
    return sums > tf.cast((share + 0.25 / side**2) * sizes, mask.dtype)


def _sums_along(values, side, axis):
    """Returns the sum of `side` values around each along an axis, `(batch, H', W')` -> the same.

    For LiteRT, shifted planes take less than half the time of a product with a banded matrix.
    """
    paddings = [(0, 0)] * 3
    paddings[axis] = (side // 2, side // 2)
    padded, size = tf.pad(values, paddings), values.shape[axis]
    shifted = [
        padded[:, k : k + size] if axis == 1 else padded[:, :, k : k + size] for k in range(side)
    ]
    return functools.reduce(tf.add, shifted)


def _further_in(columns):
    """Returns a `(W', W')` matrix: 1 where grid column i (row) lies further in than j (column).

    Both must lie in the outer quarter of the same side.
    """
    column = np.arange(columns)
    quarter = columns // 4
    left = (column[:, None] > column) & (column[:, None] < quarter)
    return (left | left[::-1, ::-1]).astype(np.float32)


@tf.custom_gradient
def faces_the_viewer(grid):
    """Returns the visibility of grid vertices, `(batch, H', W', 3)` -> `(batch, H', W', 1)`."""
    normal_z = vertex_area(grid[..., 0], grid[..., 1])
    visible = tf.cast(normal_z < 0, grid.dtype)[..., None]

    def gradient(upstream):  # (batch, H', W', 1) -> (batch, H', W', 3)
        del upstream
        return tf.zeros_like(grid)

    return visible, gradient


def vertex_area(x, y):
    """Returns twice the signed area, in the plane of x and y, of the cells around each vertex.

    For (y, z) it is the x of the vertex normal, for (z, x) its y, and for (x, y) its z.
    `(batch, H', W')` each -> `(batch, H', W')`.
    """
    falling_x, falling_y = (a[:, 1:, 1:] - a[:, :-1, :-1] for a in (x, y))  # p₁₁ − p₀₀ of each cell
    rising_x, rising_y = (a[:, :-1, 1:] - a[:, 1:, :-1] for a in (x, y))  # p₀₁ − p₁₀
    cell = falling_x * rising_y - falling_y * rising_x

    # Vertex (i, j) touches cells (i − 1, j − 1), (i − 1, j), (i, j − 1) and (i, j).
    cell = tf.pad(cell, [(0, 0), (1, 1), (1, 1)])
    columns = cell[:, :, :-1] + cell[:, :, 1:]
    return columns[:, :-1] + columns[:, 1:]


@tf.custom_gradient
def mask_texture(texture, mask):
    """Masks a texture: W = V · M, so ∂L/∂V = M G and ∂L/∂M = Σ_channels V G with G = ∂L/∂W.

    Args:
        texture: `(..., channels)` float tensor V.
        mask: `(..., 1)` float tensor M.

    Returns:
        `(..., channels)` masked texture.

    Source:
        Bas et al. 2017, sec. 2.3, "Masking layer".
    """

    def gradient(upstream):  # (..., channels) -> (..., channels), (..., 1)
        to_mask = tf.reduce_sum(upstream * texture, axis=-1, keepdims=True)
        return upstream * mask, to_mask

    return texture * mask, gradient
