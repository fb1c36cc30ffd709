"""Draws face crops with their labels, to check these."""

import cv2
import numpy as np

from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT

_COLUMNS = 8
# RGB of the points of 300-W and of AFLW, and of the square.
_IBUG68, _AFLW21, _SQUARE = (0, 255, 0), (255, 64, 255), (90, 90, 90)


def label_sheet(
    images: np.ndarray, landmarks: np.ndarray, crop_side: float, side: int = 192
) -> np.ndarray:
    """Draws crops side by side, with their labelled points and the square that the network sees.

    Args:
        images: `(faces, size, size, 3)` uint8 RGB, the stored crops.
        landmarks: `(faces, 89, 3)`: x, y in their pixels, and confidence.
        crop_side: side of the square in their pixels.
        side: side of each crop in the picture, pixels.

    Returns:
        `(height, width, 3)` uint8 RGB.
    """
    tiles = [
        _labelled(image, points, crop_side, side)
        for image, points in zip(images, landmarks, strict=True)
    ]
    columns = min(_COLUMNS, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _labelled(image, landmarks, crop_side, side):
    """Returns one crop with its points, `(side, side, 3)`."""
    size = len(image)
    enlarge = side / size
    image = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    margin = round((size - crop_side) / 2 * enlarge)
    cv2.rectangle(image, (margin, margin), (side - 1 - margin, side - 1 - margin), _SQUARE)
    for place, (x, y, confidence) in enumerate(landmarks):
        if confidence > 0:
            centre = round((x + 0.5) * enlarge - 0.5), round((y + 0.5) * enlarge - 0.5)
            colour = _IBUG68 if place < IBUG68_COUNT else _AFLW21
            cv2.circle(image, centre, 1, colour, -1, cv2.LINE_AA)
    return image
