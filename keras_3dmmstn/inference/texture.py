"""The texture of a face, sampled from the photograph itself."""

import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops
from keras_3dmmstn.inference.photograph import shrunk
from keras_3dmmstn.network import framing


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
    samples = ops.sample_bilinear(
        tf.constant(part[None], tf.float32), tf.constant(grid[None] - low, tf.float32)
    )
    return np.round(samples.numpy()[0]).astype(np.uint8)
