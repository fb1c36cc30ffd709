"""The face in the middle of a photograph, found by the detector or given by a file of boxes."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.normaliser import Normaliser

#: Endings of the names of photographs.
PHOTOGRAPHS = (".jpg", ".jpeg", ".png")

_COLUMNS = ("image", "x0", "y0", "x1", "y1")


class NoFaceError(ValueError):
    """Raised for a photograph in which no face was found."""


@dataclass(frozen=True)
class FaceBoxes:
    """Where the face is in each of some photographs.

    Attributes:
        path: the file that says so.
        boxes: photographs, as they are called there, to `(4,)` x0, y0, x1, y1 in pixels.
    """

    path: Path
    boxes: dict[str, np.ndarray]

    def box_of(self, photograph: Path) -> np.ndarray:
        """Returns the box of a photograph, by as much of its path as the file has.

        Raises:
            ValueError: if it has none.
        """
        parts = photograph.parts
        for first in range(len(parts)):
            name = "/".join(parts[first:])
            if name in self.boxes:
                return self.boxes[name]
        raise ValueError(f"{photograph}: expected its box in {self.path}, found none.")


def read_boxes(path: str | Path) -> FaceBoxes:
    """Reads a CSV with columns image, x0, y0, x1, y1: the tight box of a face's 68 landmarks.

    An image is called by its file's name, or by the end of its path, such as `person/image.jpg`.

    Raises:
        ValueError: if a column is missing or a value is not a number.
    """
    boxes = {}
    with Path(path).open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                boxes[row["image"]] = np.array([float(row[name]) for name in _COLUMNS[1:]])
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}: expected columns {', '.join(_COLUMNS)} with numbers: {error}"
                ) from error
    return FaceBoxes(Path(path), boxes)


def central_face(
    normaliser: Normaliser, photograph: np.ndarray, box: np.ndarray | None = None
) -> NormalisedFace:
    """Normalises the face of a photograph, or of several the one nearest its middle.

    Args:
        normaliser: the normaliser.
        photograph: `(height, width, 3)` uint8 RGB.
        box: `(4,)` x0, y0, x1, y1, the tight box of the face's 68 landmarks; None finds it with the
            detector.

    Raises:
        NoFaceError: if no face is found.
        ValueError: if the box is none.
    """
    faces = normaliser(photograph, None if box is None else box[None])
    if not faces:
        raise NoFaceError("no face was found.")
    middle = (np.array(photograph.shape[1::-1]) - 1) / 2
    return min(
        faces, key=lambda face: float(np.hypot(*((face.box[:2] + face.box[2:]) / 2 - middle)))
    )
