"""The part of a photograph that a face was taken from."""

from dataclasses import dataclass

import cv2
import numpy as np

from keras_3dmmstn.inference.photograph import shrunk
from keras_3dmmstn.network import framing

# Pixels kept around the face, which bilinear sampling at its border reads.
_MARGIN = 2
_PLACES_IN_A_ROW = 1024


@dataclass(frozen=True, eq=False)
class PhotographPart:
    """A rectangle of a photograph.

    Attributes:
        pixels: `(height, width, 3)` uint8 RGB, a copy; empty if the face lies outside.
        corner: `(2,)` x, y of its top-left pixel in the photograph.
    """

    pixels: np.ndarray
    corner: np.ndarray

    @classmethod
    def around(cls, photograph: np.ndarray, points: np.ndarray) -> "PhotographPart":
        """Copies the part of a photograph `(height, width, 3)` around points `(N, 2)`."""
        size = np.array(photograph.shape[1::-1])
        columns = np.ascontiguousarray(points.T)
        low = np.clip(np.floor(columns.min(axis=1)) - _MARGIN, 0, size).astype(int)
        high = np.clip(np.ceil(columns.max(axis=1)) + _MARGIN + 1, low, size).astype(int)
        return cls(photograph[low[1] : high[1], low[0] : high[0]].copy(), low)

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Returns which places, x and y in pixels of the photograph, lie in the part."""
        height, width = self.pixels.shape[:2]
        left, top = self.corner
        in_width = (x >= left) & (x <= left + width - 1)
        return in_width & (y >= top) & (y <= top + height - 1)

    def sample(self, x: np.ndarray, y: np.ndarray, spacing: float) -> np.ndarray:
        """Samples the photograph bilinearly, averaging where it is finer than the spacing.

        Args:
            x, y: `(n,)` float32, in pixels of the photograph.
            spacing: distance between neighbouring places, pixels of the photograph.

        Returns:
            `(n, 3)` uint8; outside the part its nearest pixel, black if the part is empty.
        """
        if not self.pixels.size or not len(x):
            return np.zeros((len(x), 3), np.uint8)
        pixels, matrix = self.pixels, np.eye(2, 3)
        matrix[:, 2] = self.corner
        if spacing >= 2:
            pixels, matrix = shrunk(pixels, matrix, int(spacing))
        inverse = framing.invert_similarity(matrix)
        # OpenCV accepts no more than 32,767 places in a row.
        rows = -(-len(x) // _PLACES_IN_A_ROW)
        maps = np.zeros((2, rows * _PLACES_IN_A_ROW), np.float32)
        for to, place, offset in zip(maps, (x, y), inverse[:, 2], strict=True):
            to[: len(x)] = place * np.float32(inverse[0, 0]) + np.float32(offset)
        map_x, map_y = maps.reshape(2, rows, _PLACES_IN_A_ROW)
        sampled = cv2.remap(pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return sampled.reshape(-1, 3)[: len(x)]
