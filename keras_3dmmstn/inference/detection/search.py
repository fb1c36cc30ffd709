"""The search of a whole photograph for places that may be faces."""

import cv2
import numpy as np

from keras_3dmmstn.inference.detection.candidates import (
    Candidates,
    best_of_each_place,
    decode,
    joined,
)
from keras_3dmmstn.inference.detection.interpreters import DetectorNetwork

# The smallest face, √(w·h) of its landmarks, that the network finds reliably, in pixels.
SMALLEST_SEEN = 24
# No picture that is searched has a larger side.
_LARGEST_SEARCHED = 1024
# Faces larger than this are found better in a picture a third as large.
_LARGEST_SEEN = 420
_COARSER = 3
# The sides of what is searched are multiples of this, so that few sizes of pictures occur.
_STEP = 64


def search(
    network: DetectorNetwork, image: np.ndarray, smallest: float, least: float
) -> tuple[Candidates, np.ndarray, np.ndarray]:
    """Searches a photograph.

    Args:
        network: the detector's.
        image: `(height, width, 3)` uint8 RGB.
        smallest: face that is to be found, √(w·h) of its landmarks in pixels.
        least: candidates with lower scores are left out.

    Returns:
        The candidates in pixels of the photograph, the best first; the picture that was searched,
        and the photograph's size as a multiple of it, (x, y).
    """
    searched = _searched(image, SMALLEST_SEEN / smallest)
    found = [_candidates(network, searched, image, least)]
    if min(searched.shape[:2]) > _LARGEST_SEEN:
        coarser = _searched(searched, 1 / _COARSER)
        found.append(_candidates(network, coarser, image, least))
    candidates = joined(found)
    kept = best_of_each_place(candidates.boxes, candidates.scores)
    return candidates[kept], searched, _ratio(image, searched)


def _searched(image, scale):
    """Returns a picture about `scale` times as large, whose larger side is a multiple of a step."""
    height, width = image.shape[:2]
    longest = min(scale * max(height, width), _LARGEST_SEARCHED)
    longest = max(_STEP, _STEP * round(longest / _STEP))
    scale = longest / max(height, width)
    size = [max(1, round(scale * side)) for side in (width, height)]
    if size == [width, height]:
        return image
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=method)


def _candidates(network, searched, image, least):
    return decode(network(searched), least).scaled(_ratio(image, searched))


def _ratio(image, searched):
    """Returns the size of a photograph as a multiple of the picture searched, (x, y)."""
    return np.array(image.shape[1::-1]) / searched.shape[1::-1]
