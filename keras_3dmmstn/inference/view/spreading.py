"""Spreads values known in a part of a picture smoothly over the rest."""

import cv2
import numpy as np

# How often each level of the pyramid is smoothed.
_SWEEPS = 4
_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4


def spread(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Continues values into the unknown part of a picture: an approximate harmonic membrane.

    Known values are averaged into ever coarser pictures until all is known. On the way back each
    picture is enlarged and takes the known values of its own resolution; unknown pixels are
    relaxed towards the mean of their four neighbours, so that Δu = 0 nearly holds.

    Args:
        values: `(height, width, channels)` float32; unknown pixels may hold anything finite.
        known: `(height, width)` bool.

    Returns:
        `(height, width, channels)` float32: the known values unchanged, the others within their
        range; 0 if nothing is known.
    """
    if known.all() or not known.any():
        return np.where(known[..., None], values, 0).astype(np.float32)
    height, width = known.shape
    weight = known.astype(np.float32)
    coarse = ((width + 1) // 2, (height + 1) // 2)
    share = _reduced(weight, coarse)
    total = _reduced(values * weight[..., None], coarse)
    below = spread(total / np.maximum(share, 1e-6)[..., None], share > 0)
    filled = _channels(cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR))
    where = np.broadcast_to(known[..., None], values.shape)
    for _ in range(_SWEEPS):
        np.copyto(filled, values, where=where)
        filled = _channels(cv2.filter2D(filled, -1, _NEIGHBOURS, borderType=cv2.BORDER_REPLICATE))
    np.copyto(filled, values, where=where)
    return filled


def _reduced(picture, size):
    """Returns a picture of half the size; (width, height) rounded up."""
    height, width = picture.shape[:2]
    even = cv2.copyMakeBorder(
        picture, 0, 2 * size[1] - height, 0, 2 * size[0] - width, cv2.BORDER_CONSTANT
    )
    reduced = cv2.resize(even, size, interpolation=cv2.INTER_AREA)
    return reduced if picture.ndim == 2 else _channels(reduced)


def _channels(picture):
    """Returns a picture with its channel axis, which OpenCV drops for a single channel."""
    return picture[..., None] if picture.ndim == 2 else picture
