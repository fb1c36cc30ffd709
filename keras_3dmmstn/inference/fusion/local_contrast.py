"""A picture without its light: brightness normalised around each place."""

import cv2
import numpy as np

# In grey levels: variation of this size is noise, not contrast.
_NOISE = 2.0


def local_contrast(
    picture: np.ndarray, mask: np.ndarray, size: int, neighbourhood: float
) -> np.ndarray:
    """Returns brightness with mean 0 and deviation 1 around each place.

    Args:
        picture: `(side, side, 3)` RGB in 0..255.
        mask: `(side, side)` bool; hidden pixels do not count and become 0.
        size: side of the result; no larger than that of the picture.
        neighbourhood: width of the Gaussian for the means, in sides.

    Returns:
        `(size, size)` float32.
    """
    grey = cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2GRAY)
    seen, sigma = mask.astype(np.float32), neighbourhood * len(picture)
    around = np.maximum(cv2.GaussianBlur(seen, (0, 0), sigma), 1e-3)
    centred = (grey - cv2.GaussianBlur(grey * seen, (0, 0), sigma) / around) * seen
    variance = cv2.GaussianBlur(centred**2, (0, 0), sigma) / around
    even = centred / np.sqrt(variance + _NOISE**2)
    return cv2.resize(even, (size, size), interpolation=cv2.INTER_AREA)
