"""A face in one frame of a video, as the network fitted it."""

from dataclasses import dataclass

import cv2
import numpy as np

from keras_3dmmstn.inference.fitted_faces import FittedFaces
from keras_3dmmstn.inference.looking import FacesInPhotographs
from keras_3dmmstn.network import framing


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face in one frame.

    Attributes:
        parameters: `(6 + D,)` θ, with t and log s in pixels of the frame.
        landmarks: `(68, 2)` in pixels of the frame.
        matrix: `(2, 3)` similarity from the frame to the crop that the network saw.
        confidence: the network's; None if it has none.
        spread: `(68,)`, the network's, as in `FittedFaces`; None if it has none.
        score: the detector's; None if it did not find the face in this frame.
    """

    parameters: np.ndarray
    landmarks: np.ndarray
    matrix: np.ndarray
    confidence: float | None
    score: float | None = None
    spread: np.ndarray | None = None

    @property
    def box(self) -> np.ndarray:
        """The tight box `(4,)` of the landmarks."""
        return framing.tight_box(self.landmarks)

    @property
    def size(self) -> float:
        """The size of the face, √(w·h) of its box in pixels."""
        return float(np.sqrt(np.prod(self.box[2:] - self.box[:2])))

    @property
    def roll(self) -> float:
        """The clockwise rotation of the face in the frame, radians, from where its chin points."""
        down = cv2.Rodrigues(self.parameters[:3].astype(float))[0][:2, 1]
        return float(np.arctan2(-down[0], down[1]))


def sightings(faces: FacesInPhotographs, fitted: FittedFaces) -> list[Sighting]:
    """Returns the sightings of one frame's faces, fitted to its crops."""
    matrices = faces.matrices
    thetas = framing.parameters_in_photograph(fitted.parameters, matrices)
    landmarks = framing.points_in_photograph(fitted.landmarks("ibug68").astype(float), matrices)
    unknown = [None] * len(faces)
    sure = unknown if fitted.confidence is None else fitted.confidence.tolist()
    spread = unknown if fitted.spread is None else fitted.spread
    columns = thetas, landmarks, matrices, sure, faces.scores, spread
    return [Sighting(*of_face) for of_face in zip(*columns, strict=True)]


def framed_again(seen: list[Sighting], size: int) -> FacesInPhotographs:
    """Returns where to look for faces next: upright in crops around their landmarks.

    Args:
        seen: the faces, in this frame or in the previous one.
        size: side of the crops in pixels.
    """
    matrices = [_matrix_around(face.landmarks, face.roll, size) for face in seen]
    return FacesInPhotographs(
        np.zeros(len(seen), int),
        np.array([face.box for face in seen]).reshape(-1, 4),
        np.array(matrices).reshape(-1, 2, 3),
        [face.score for face in seen],
        np.zeros(len(seen), bool),
    )


def _matrix_around(landmarks, roll, size):
    """Returns the similarity `(2, 3)` to the crop in which a turned face is upright."""
    cos, sin = np.cos(roll), np.sin(roll)
    upright = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    box = framing.tight_box(framing.apply_similarity(upright, landmarks))
    return framing.joined(upright[None], framing.crop_matrix(box, size)[None])[0]


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns intersection over union of boxes `(n, 4)` and `(m, 4)`, as `(n, m)`."""
    boxes, others = boxes.reshape(-1, 1, 4), others.reshape(1, -1, 4)
    low = np.maximum(boxes[..., :2], others[..., :2])
    high = np.minimum(boxes[..., 2:], others[..., 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(these[..., 2:] - these[..., :2], axis=-1) for these in (boxes, others)]
    return shared / np.maximum(areas[0] + areas[1] - shared, 1e-9)
