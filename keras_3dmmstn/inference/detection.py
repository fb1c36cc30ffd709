"""Finding faces in a photograph."""

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from keras_3dmmstn.inference.photograph import shrunk

# Where the tight box of a face's 68 landmarks lies in MTCNN's box: x0, y0, x1, y1 in its widths
# and heights. Mean over 210 photographs of Helen, LFPW and YouTube Faces; standard deviation 0.05.
_LANDMARKS_IN_DETECTION = np.array([-0.02, 0.25, 1.045, 1.025])

# A photograph is searched at no more than this many pixels on its larger side.
_SEARCHED_SIZE = 1024
# MTCNN cannot search what has fewer pixels on its smaller side: no face of 20 pixels fits.
_SMALLEST_SEARCHED = 20


@dataclass(frozen=True, eq=False)
class FoundFaces:
    boxes: np.ndarray
    scores: np.ndarray
    rolls: np.ndarray


class Detector(Protocol):
    def find(self, image: np.ndarray) -> FoundFaces: ...


class FaceDetector:
    def find(self, image):
        boxes = find_faces(image)
        return FoundFaces(boxes, np.ones(len(boxes)), np.zeros(len(boxes)))


def find_faces(image: np.ndarray, min_confidence: float = 0.9) -> np.ndarray:
    """Finds the faces of a photograph with MTCNN.

    Args:
        image: `(height, width, 3)` uint8 RGB.
        min_confidence: detections below it are dropped.

    Returns:
        `(n, 4)` estimated tight boxes of the 68 landmarks, x0, y0, x1, y1 in pixels, the largest
        face first.

    Raises:
        ImportError: if MTCNN is not installed.

    Source:
        Zhang et al. 2016, "Joint Face Detection and Alignment Using Multitask Cascaded
        Convolutional Networks".
    """
    shrink = max(1, -(-max(image.shape[:2]) // _SEARCHED_SIZE))
    searched, _ = shrunk(image, np.eye(2, 3), shrink)
    if min(searched.shape[:2]) < _SMALLEST_SEARCHED:
        return np.empty((0, 4))
    found = [
        detection["box"]
        for detection in _detector().detect_faces(searched)
        if detection["confidence"] >= min_confidence
    ]
    x, y, width, height = np.array(found, float).reshape(-1, 4).T * shrink
    boxes = np.stack([x, y, x, y], 1) + _LANDMARKS_IN_DETECTION * np.stack(
        [width, height, width, height], 1
    )
    return boxes[np.argsort(-width * height)]


@functools.cache
def _detector():
    try:
        from mtcnn import MTCNN
    except ImportError as error:
        raise ImportError(
            "Finding faces needs MTCNN: pip install mtcnn. Without it, say where the faces are "
            "with `boxes`."
        ) from error
    return MTCNN()
