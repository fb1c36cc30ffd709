"""Logs for each photograph what the detector found, the result, and the time taken."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_3dmmstn.inference.detection import FoundFaces
from keras_3dmmstn.inference.normalised_face import NormalisedFace

logger = logging.getLogger(__name__)


def log_found(source: object, found: FoundFaces, seconds: float) -> None:
    """Logs the faces that the detector found in a photograph, each with score and roll."""
    if not logger.isEnabledFor(logging.INFO):
        return
    logger.info("%s: the detector found %s in %.2f s", _name(source), _count(len(found)), seconds)
    rows = zip(found.boxes, found.scores, found.rolls, strict=True)
    for number, (box, score, roll) in enumerate(rows):
        corners = ", ".join(f"{value:.0f}" for value in box)
        turn = np.degrees(roll)
        logger.info("  face %d: box %s, score %.2f, roll %.0f°", number, corners, score, turn)


def log_normalised(
    source: object, image: np.ndarray, faces: Sequence[NormalisedFace], seconds: float
) -> None:
    """Logs how many faces of a photograph were normalised, and the pose of each."""
    if not logger.isEnabledFor(logging.INFO):
        return
    height, width = image.shape[:2]
    logger.info(
        "%s: %d x %d, %s normalised in %.2f s",
        *(_name(source), width, height, _count(len(faces)), seconds),
    )
    for number, face in enumerate(faces):
        pose = ", ".join(f"{angle} {value:.0f}°" for angle, value in face.pose._asdict().items())
        share = face.mask.mean()
        logger.debug("  face %d: %s, %.0f%% of it visible", number, pose, 100 * share)


def log_failed(source: object, error: Exception) -> None:
    """Logs why a photograph failed."""
    logger.info("%s: failed: %s", _name(source), error)


def _name(source):
    """Returns the name of a photograph for the log."""
    return str(source) if isinstance(source, (str, Path)) else "array"


def _count(faces):
    return "1 face" if faces == 1 else f"{faces} faces"
