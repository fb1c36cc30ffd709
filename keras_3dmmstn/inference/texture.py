"""The texture of a face, sampled from the photograph itself."""

import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops
from keras_3dmmstn.inference.photograph import shrunk
from keras_3dmmstn.mesh.finer_grid import interpolate_grid, texture_shape
from keras_3dmmstn.network import framing

# So many points are sampled at a time: more would take hundreds of megabytes, and no less time.
_MOST_POINTS = 2**19


def face_texture(
    image: np.ndarray,
    grid: np.ndarray,
    visible: np.ndarray,
    texture_size: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Samples the texture of a face, with its mask.

    At another size than the grid's, what is known at the vertices is interpolated between them:
    places in the photograph, and visibility, which has to be one half at least.

    Args:
        image: `(height, width, 3)` uint8.
        grid: `(H', W', 2)` x, y of the vertices in pixels.
        visible: `(H', W')` bool, whether the viewer sees them.
        texture_size: side of the texture in pixels; None for one texel for each vertex.

    Returns:
        The texture `(S, S, 3)` uint8, black where hidden, and the mask `(S, S)` bool:
        visible, and inside the photograph.
    """
    shape = texture_shape(texture_size, visible.shape)
    if shape != visible.shape:
        grid = interpolate_grid(grid, shape)
        visible = interpolate_grid(visible[..., None].astype(np.float32), shape)[..., 0] >= 0.5
    mask = visible & inside(image, grid)
    return sample_photograph(image, grid) * mask[..., None].astype(np.uint8), mask


def inside(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Says which points `(..., 2)`, x, y in pixels, lie in a photograph, `(...)` bool."""
    last = np.array(image.shape[1::-1]) - 1
    return np.all((points >= 0) & (points <= last), axis=-1)


def sample_photograph(image: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Samples a photograph at a grid of points, averaging where the grid is the coarser one.

    Args:
        image: `(height, width, 3)` uint8.
        grid: `(H', W', 2)` x, y in pixels.

    Returns:
        `(H', W', 3)` uint8.
    """
    spacing = [np.linalg.norm(np.diff(grid, axis=axis), axis=-1) for axis in (0, 1)]
    shrink = int(max(np.median(spacing[0]), np.median(spacing[1])))
    matrix = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    if shrink > 1:
        image, to_large = shrunk(image, matrix, shrink)
        grid = framing.apply_similarity(framing.invert_similarity(to_large), grid)
    low = np.clip(np.floor(grid.min(axis=(0, 1))).astype(int) - 1, 0, None)
    high = np.ceil(grid.max(axis=(0, 1))).astype(int) + 2
    part = image[low[1] : max(high[1], low[1] + 1), low[0] : max(high[0], low[0] + 1)]
    if not part.size:
        return np.zeros((*grid.shape[:2], image.shape[2]), np.uint8)
    pixels = tf.constant(part[None], tf.float32)
    rows = max(1, _MOST_POINTS // grid.shape[1])
    bands = (grid[None, first : first + rows] - low for first in range(0, len(grid), rows))
    samples = [ops.sample_bilinear(pixels, tf.constant(band, tf.float32)) for band in bands]
    return np.concatenate([np.round(band.numpy()[0]).astype(np.uint8) for band in samples])
