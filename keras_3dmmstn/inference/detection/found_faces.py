"""The result of a face detector for a photograph."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """The faces that a detector found in one photograph, the largest first.

    Attributes:
        boxes: `(n, 4)` float64 x0, y0, x1, y1 in pixels, each roughly the tight box of a face's 68
            landmarks in the photograph.
        scores: `(n,)` in 0..1, the detector's confidence.
        rolls: `(n,)` radians, clockwise rotation of each face in the picture.

    Raises:
        ValueError: if the three do not have these shapes.
    """

    boxes: np.ndarray
    scores: np.ndarray
    rolls: np.ndarray

    def __post_init__(self):
        shapes = [np.shape(values) for values in (self.boxes, self.scores, self.rolls)]
        count = shapes[0][0] if shapes[0] else 0
        if shapes != [(count, 4), (count,), (count,)]:
            raise ValueError(
                "FoundFaces expects boxes (n, 4), scores (n,) and rolls (n,), received shapes "
                f"{', '.join(map(str, shapes))}."
            )

    def __len__(self) -> int:
        return len(self.boxes)


class Detector(Protocol):
    """A face detector: the package's `FaceDetector`, or an object of your own."""

    def find(self, image: np.ndarray) -> FoundFaces:
        """Finds the faces of a photograph `(height, width, 3)`, uint8 RGB, if there are any."""
