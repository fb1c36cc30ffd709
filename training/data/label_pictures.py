"""Pictures of face crops with their labels, to see whether these are right."""

import cv2
import numpy as np

from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT
from keras_3dmmstn.training.data.crops import FaceCrops

_COLUMNS = 8
# RGB of the points of 300-W and of AFLW.
_IBUG68, _AFLW21 = (0, 255, 0), (255, 64, 255)


def labelled_sheet(crops: FaceCrops, count: int = 48, side: int = 192) -> np.ndarray:
    """Draws crops side by side, with their labelled points and the square that the network sees.

    Args:
        crops: the faces.
        count: how many of them, spread over all.
        side: of each in pixels.

    Returns:
        `(height, width, 3)` uint8 RGB.
    """
    chosen = np.linspace(0, len(crops) - 1, min(count, len(crops))).astype(int)
    tiles = [_labelled(crops, number, side) for number in chosen]
    columns = min(_COLUMNS, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _labelled(crops, number, side):
    """Returns one crop with its points, `(side, side, 3)`."""
    image, size = crops.images[number], crops.images.shape[1]
    enlarge = side / size
    image = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    margin = round((size - crops.scale) / 2 * enlarge)
    cv2.rectangle(image, (margin, margin), (side - 1 - margin, side - 1 - margin), (90, 90, 90))
    for place, (x, y, confidence) in enumerate(crops.landmarks[number]):
        if confidence > 0:
            centre = round((x + 0.5) * enlarge - 0.5), round((y + 0.5) * enlarge - 0.5)
            cv2.circle(
                image, centre, 1, _IBUG68 if place < IBUG68_COUNT else _AFLW21, -1, cv2.LINE_AA
            )
    return image
