"""The plane of the texture at another resolution than the face model's grid."""

import numpy as np


def interpolation_weights(count: int, grid_count: int) -> np.ndarray:
    """Returns the weights of linear interpolation along one side of a grid, end to end.

    Args:
        count: number of places, the first and the last at the ends of the side.
        grid_count: number of vertices along the side.

    Returns:
        `(count, grid_count)` float32, at most two in a row are not 0, and each row sums to 1.
    """
    places = np.linspace(0, grid_count - 1, count)[:, None]
    return np.maximum(1 - np.abs(places - np.arange(grid_count)), 0).astype(np.float32)


def interpolate_grid(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Interpolates values at the vertices of a grid bilinearly, corners to corners.

    Args:
        values: `(H', W', channels)`, such as where the vertices are in a photograph.
        shape: rows and columns to return; (H', W') returns the values as they are.

    Returns:
        `(rows, columns, channels)` float32.
    """
    rows, columns = (interpolation_weights(*n) for n in zip(shape, values.shape, strict=False))
    return np.einsum("rh,hwc,kw->rkc", rows, values, columns, optimize=True)
