"""The texture of a face, sampled from the photograph itself."""

import cv2
import numpy as np

from keras_3dmmstn.inference.photograph import part_around, resampled
from keras_3dmmstn.mesh.finer_grid import interpolate_grid, texture_shape


def face_texture(
    image: np.ndarray,
    grid: np.ndarray,
    visible: np.ndarray,
    texture_size: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Samples the texture of a face, with its mask.

    At a size other than the grid's, the values at the vertices are interpolated: positions in the
    photograph, and visibility, which must be at least one half.

    Args:
        image: `(height, width, 3)` uint8.
        grid: `(H', W', 2)` x, y of the vertices in pixels.
        visible: `(H', W')` bool, whether the viewer sees them.
        texture_size: side of the texture in pixels; None for one texel per vertex.

    Returns:
        The texture `(S, S, 3)` uint8, black where hidden, and the mask `(S, S)` bool:
        visible, and inside the photograph.
    """
    shape = texture_shape(texture_size, visible.shape)
    if shape != visible.shape:
        grid = interpolate_grid(grid, shape)
        visible = interpolate_grid(visible[..., None].astype(np.float32), shape)[..., 0] >= 0.5
    mask = visible & inside(image, grid)
    texture = sample_photograph(image, grid)
    texture[~mask] = 0
    return texture, mask


def inside(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Returns which points `(..., 2)`, x, y in pixels, lie in a photograph, `(...)` bool."""
    (height, width), (x, y) = image.shape[:2], (points[..., 0], points[..., 1])
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def sample_photograph(image: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Samples a photograph at a grid of points, averaging where the grid is coarser.

    Args:
        image: `(height, width, 3)` uint8.
        grid: `(H', W', 2)` x, y in pixels.

    Returns:
        `(H', W', 3)` uint8.
    """
    shrink = max(_whole_spacing(grid, axis) for axis in (0, 1))
    part, to_photograph = part_around(image, grid, shrink)
    if not part.size:
        return np.zeros((*grid.shape[:2], image.shape[2]), np.uint8)
    first, size = to_photograph[:, 2], np.diag(to_photograph)  # of the part's pixels
    x, y = (((grid[..., k] - first[k]) / size[k]).astype(np.float32) for k in (0, 1))
    # The part's first and last pixels are borders of the photograph, or are not read.
    return resampled(part, lambda picture: cv2.remap(picture, x, y, cv2.INTER_LINEAR))


def _whole_spacing(grid, axis):
    """Returns the median distance of neighbouring points along an axis of a grid.

    It is in whole pixels and at least 1.
    """
    x, y = (np.diff(np.ascontiguousarray(grid[..., k]), axis=axis) for k in (0, 1))
    squared = x * x + y * y
    if 2 * np.count_nonzero(squared >= 4) < squared.size:  # most faces; faster than a median
        return 1
    return max(1, int(np.sqrt(np.median(squared))))
