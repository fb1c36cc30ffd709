"""Aligns textures of one person with one another where the fits are slightly off."""

import cv2
import numpy as np

from keras_3dmmstn.inference.fusion.local_contrast import local_contrast

# Textures are compared at no more than this size, in pixels along a side.
_SIZE = 128
# Widths of two Gaussians, in sides: for evening out contrast, and for what shares a shift.
_NEIGHBOURHOOD, _WINDOW = 1 / 32, 0.09
# Limit of the shift of any place, in sides.
_LARGEST_SHIFT = 0.05
_ROUNDS = 5
# If local contrast differs by more, the two textures do not show the same thing.
_OUTLIER = 0.7
# Share of the typical squared gradient that keeps plain skin where it is.
_STIFFNESS = 0.05


def shift_onto(
    texture: np.ndarray, seen: np.ndarray, reference: np.ndarray, known: np.ndarray
) -> np.ndarray:
    """Finds a smooth field of shifts that aligns a texture with a reference.

    Places within a Gaussian window of 9 % of the side move together, to minimise the squared
    difference in local contrast (Lucas & Kanade 1981), which is independent of light. Places where
    the two differ much have no influence.

    Args:
        texture, reference: `(S, S, 3)` RGB in 0..255.
        seen, known: `(S, S)` bool, where each shows the face.

    Returns:
        `(S, S, 2)` float32 x, y in texels: the texture at place + shift belongs to the place.
    """
    side = len(texture)
    size = min(side, _SIZE)
    known, seen = (_resized(mask.astype(np.float32), size) for mask in (known, seen))
    target, moving = (
        local_contrast(_resized(picture, size), mask > 0.99, size, _NEIGHBOURHOOD)
        for picture, mask in ((reference, known), (texture, seen))
    )
    target, moving = (cv2.GaussianBlur(contrast, (0, 0), 1) for contrast in (target, moving))
    shift: np.ndarray = np.zeros((size, size, 2), np.float32)
    for _ in range(_ROUNDS):
        moved, moved_seen = shifted(moving, shift), shifted(seen, shift)
        shift += _step(target, moved, known * moved_seen)
        shift = cv2.GaussianBlur(shift, (0, 0), _WINDOW * size / 2)
        shift = np.clip(shift, -_LARGEST_SHIFT * size, _LARGEST_SHIFT * size)
    enlarged = cv2.resize(shift, (side, side), interpolation=cv2.INTER_LINEAR)
    return enlarged * (side / size)


def shifted(values: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Returns values `(S, S)` or `(S, S, channels)`, each taken from its place + shift `(S, S, 2)`.

    Values from outside are 0.
    """
    rows, columns = np.indices(shift.shape[:2], np.float32)
    return cv2.remap(values, columns + shift[..., 0], rows + shift[..., 1], cv2.INTER_LINEAR)


def _step(target, moved, weight):
    """Returns the shifts `(size, size, 2)` of one step of Lucas and Kanade."""
    down, along = np.gradient(moved)
    difference = target - moved
    weight = weight / (1 + (difference / _OUTLIER) ** 2)

    def around(values):
        return cv2.GaussianBlur((values * weight).astype(np.float32), (0, 0), _WINDOW * len(target))

    a, b, c = around(along * along), around(along * down), around(down * down)
    p, q = around(along * difference), around(down * difference)
    stiffness = _STIFFNESS * np.median(a + c) + 1e-6
    a, c = a + stiffness, c + stiffness
    return np.stack([c * p - b * q, a * q - b * p], axis=-1) / (a * c - b * b)[..., None]


def _resized(values, size):
    return cv2.resize(values, (size, size), interpolation=cv2.INTER_AREA)
