"""The face in the middle of a photograph, found by the detector or in a given box."""

from pathlib import Path
from typing import cast

import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import ENDINGS

#: Extensions of photograph files.
PHOTOGRAPHS = ENDINGS


class NoFaceError(ValueError):
    """Raised for a photograph in which no face was found."""


def central_face(
    normaliser: Normaliser, photograph: np.ndarray, box: np.ndarray | None = None
) -> NormalisedFace:
    """Normalises the face of a photograph; of several faces, the one nearest its middle.

    Args:
        normaliser: the normaliser.
        photograph: `(height, width, 3)` uint8 RGB.
        box: `(4,)` x0, y0, x1, y1, the tight box of the face's 68 landmarks; None finds it with the
            detector.

    Raises:
        NoFaceError: if no face is found.
        ValueError: if the box is invalid.
    """
    return _central(normaliser(photograph, None if box is None else box[None]), photograph)


def central_face_of_file(
    normaliser: Normaliser, path: Path, box: np.ndarray | None = None
) -> tuple[np.ndarray, NormalisedFace]:
    """Reads a photograph, and returns it with its `central_face`.

    Raises:
        Exception: as for `central_face`; FileNotFoundError or ValueError if it cannot be read.
    """
    boxes = None if box is None else [box[None]]
    (photograph,) = normaliser.stream([path], boxes, workers=1)
    faces, image = photograph.faces, cast(np.ndarray, photograph.image)  # or its error is raised
    return image, _central(faces, image)


def _central(faces, photograph):
    """Returns the face nearest to the middle of a photograph."""
    if not faces:
        raise NoFaceError("no face was found.")
    middle = (np.array(photograph.shape[1::-1]) - 1) / 2
    return min(
        faces, key=lambda face: float(np.hypot(*((face.box[:2] + face.box[2:]) / 2 - middle)))
    )
