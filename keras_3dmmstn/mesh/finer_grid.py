"""The plane of the texture at a resolution other than that of the face model's grid."""

import numpy as np

#: The smallest and the largest side of a texture in pixels.
SMALLEST_TEXTURE, LARGEST_TEXTURE = 32, 2048

# Weights are multiples of one part in this many. float16 represents them exactly, and float32 the
# sums of their products, so that a network and its exports agree in every vertex of the mask.
_PARTS = 2048


def texture_shape(texture_size: int | None, grid_shape: tuple[int, int]) -> tuple[int, int]:
    """Returns the rows and columns of a texture.

    Args:
        texture_size: side of a square texture in pixels; None for one texel per vertex.
        grid_shape: (H', W') of the face model.

    Raises:
        ValueError: if `texture_size` is not a whole number from 32 to 2,048.
    """
    if texture_size is None:
        return grid_shape
    is_integer = isinstance(texture_size, (int, np.integer)) and not isinstance(texture_size, bool)
    if not is_integer or not SMALLEST_TEXTURE <= texture_size <= LARGEST_TEXTURE:
        raise ValueError(
            f"Expected a texture size from {SMALLEST_TEXTURE} to {LARGEST_TEXTURE} pixels, a whole "
            f"number, or None for the size of the face model's grid, received {texture_size!r}."
        )
    return int(texture_size), int(texture_size)


def interpolation_weights(count: int, grid_count: int) -> np.ndarray:
    """Returns the weights of linear interpolation along one side of a grid, end to end.

    Args:
        count: number of places, the first and last at the ends of the side.
        grid_count: number of vertices along the side.

    Returns:
        `(count, grid_count)` float32, whole multiples of 1/2048; each row has at most two non-zero
        entries and sums to 1.
    """
    places = np.round(np.linspace(0, grid_count - 1, count) * _PARTS)[:, None] / _PARTS
    return np.maximum(1 - np.abs(places - np.arange(grid_count)), 0).astype(np.float32)


def interpolate_grid(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Interpolates values at the vertices of a grid bilinearly, corners to corners.

    Args:
        values: `(H', W', channels)`, such as the vertices' positions in a photograph.
        shape: rows and columns to return; (H', W') returns the values as they are.

    Returns:
        `(rows, columns, channels)` float32.
    """
    rows, columns = (interpolation_weights(*n) for n in zip(shape, values.shape, strict=False))
    return np.einsum("rh,hwc,kw->rkc", rows, values, columns, optimize=True)
