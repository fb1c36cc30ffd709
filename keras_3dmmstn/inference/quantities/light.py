"""The light on a face, and its sharpness, measured in its texture."""

from typing import NamedTuple

import cv2
import numpy as np

# Share of the mirrored pairs of texels that must be visible to compare the two sides.
_LEAST_PAIRS = 0.1
# Standard deviation of the Gaussian blur in `sharpness`, in sides of the texture.
_BLUR = 1 / 128


class Light(NamedTuple):
    """The light on a face, in grey levels 0..255.

    Attributes:
        brightness: mean of the visible part.
        contrast: standard deviation of the visible part.
        light_difference: mean of the image-left half minus that of the other, over the places
            visible on both sides; None if these are less than a tenth.
    """

    brightness: float
    contrast: float
    light_difference: float | None


def light(luma: np.ndarray, mask: np.ndarray) -> Light | None:
    """Measures the light on a face; None if nothing of it is visible.

    Args:
        luma: `(S, S)` 0..255, that of the texture.
        mask: `(S, S)` bool, where it is visible.
    """
    if not mask.any():
        return None
    seen = luma[mask].astype(float)
    half = mask.shape[1] // 2
    pairs = (mask & mask[:, ::-1])[:, :half]
    difference = None
    if pairs.mean() >= _LEAST_PAIRS:
        left, right = luma[:, :half][pairs], luma[:, ::-1][:, :half][pairs]
        difference = float(left.mean(dtype=float) - right.mean(dtype=float))
    return Light(float(seen.mean()), float(seen.std()), difference)


def sharpness(luma: np.ndarray, mask: np.ndarray) -> float | None:
    """Returns the share of a texture's squared gradient that a slight blur removes.

        1 − Σ |∇(G ∗ L)|² / Σ |∇L|²

    with a Gaussian G whose standard deviation is 1/128 of the texture's side. An already blurred
    texture loses little. Neither contrast nor a gain changes the value; light from one side hardly
    does.

    Args:
        luma, mask: as for `light`.

    Returns:
        From 0 to 1; None if nothing is visible, 0 if it is of one colour.

    Source:
        Blurring again and comparing: Crete et al. 2007, "The blur effect: perception and
        estimation with a new no-reference perceptual blur metric".
    """
    # Only places whose neighbours, from which the gradient is computed, are visible too.
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    if not inside.any():
        return None
    seen, sigma = mask.astype(np.float32), _BLUR * len(mask)
    around = np.maximum(cv2.GaussianBlur(seen, (0, 0), sigma), 1e-3)
    blurred = cv2.GaussianBlur(luma.astype(np.float32) * seen, (0, 0), sigma) / around
    before, after = (_squared_gradient(picture)[inside].sum() for picture in (luma, blurred))
    return float(np.clip(1 - after / before, 0, 1)) if before > 0 else 0.0


def _squared_gradient(picture):
    down, along = np.gradient(picture.astype(float))
    return down**2 + along**2
