"""A second look at a place that may be a face: larger or smaller, and turned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.inference.detection.candidates import decode
from keras_3dmmstn.inference.detection.interpreters import DetectorNetwork
from keras_3dmmstn.inference.detection.landmark_boxes import (
    roll_of,
    turned_boxes,
    upright_landmark_boxes,
)
from keras_3dmmstn.inference.photograph import warp

# Side of the square that is looked at in pixels, and in larger sides of the candidate's box.
_SIZE, _SHARE = 96, 1.7
# How far from the square's middle, in pixels, a face may lie that is still the one looked for.
_FURTHEST = 20
# What has a lower score is none.
_LEAST = 0.05


@dataclass(frozen=True, eq=False)
class Sight:
    """A face as it was seen in a picture, or in a square cut out of it.

    Attributes:
        score: in 0..1; 0 without a face.
        roll: how far the face is turned clockwise in the photograph, radians.
        turn: how far the picture that it was seen in had been turned back, radians.
        box: `(4,)` the detector's box in that picture.
        matrix: `(2, 3)` from the photograph to that picture.
    """

    score: float
    roll: float
    turn: float
    box: np.ndarray
    matrix: np.ndarray

    @property
    def lean(self) -> float:
        """How far the face is turned in the picture that it was seen in, in -π..π."""
        return float(np.angle(np.exp(1j * (self.roll - self.turn))))

    def landmark_box(self) -> np.ndarray:
        """Returns the tight box `(4,)` of the 68 landmarks in the photograph."""
        upright = upright_landmark_boxes(self.box[None]).reshape(2, 2)
        linear, shift = self.matrix[:, :2], self.matrix[:, 2]
        middle = np.linalg.solve(linear, upright.mean(axis=0) - shift)
        size = (upright[1] - upright[0]) / np.sqrt(np.linalg.det(linear))
        return turned_boxes(middle[None], size[None], np.array([self.roll]))[0]


def look(
    network: DetectorNetwork, image: np.ndarray, box: np.ndarray, turns: Sequence[float]
) -> Sight:
    """Looks at a place with several turns, and returns the sight with the highest score.

    Args:
        network: the detector's.
        image: `(height, width, 3)` uint8 RGB.
        box: `(4,)` x0, y0, x1, y1, where a face may be.
        turns: how far it may be turned clockwise, radians.
    """
    return max((_look(network, image, box, turn) for turn in turns), key=lambda seen: seen.score)


def _look(network, image, box, turn):
    """Returns the sight of the place with one turn."""
    side = _SHARE * max(box[2] - box[0], box[3] - box[1])
    matrix = turned_square(box.reshape(2, 2).mean(axis=0), side, turn)
    found = decode(network(_cut(image, matrix, side)), _LEAST)
    middles = found.boxes.reshape(-1, 2, 2).mean(axis=1)
    found = found[np.abs(middles - (_SIZE - 1) / 2).max(axis=1) < _FURTHEST]
    if not len(found):
        return Sight(0.0, turn, turn, np.array([0.0, 0, 1, 1]), matrix)
    best = int(np.argmax(found.scores))
    roll = turn + float(roll_of(found.points[best]))
    return Sight(float(found.scores[best]), roll, turn, found.boxes[best], matrix)


def turned_square(middle: np.ndarray, side: float, turn: float) -> np.ndarray:
    """Returns the matrix `(2, 3)` from a picture to a square in which a turned face is upright."""
    scale = _SIZE / side
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    linear = np.array([[cosine, sine], [-sine, cosine]])
    return np.column_stack([linear, (_SIZE - 1) / 2 - linear @ middle])


def _cut(image, matrix, side):
    """Cuts out the square that a matrix maps to; only what lies around it is read."""
    middle = np.linalg.solve(matrix[:, :2], (_SIZE - 1) / 2 - matrix[:, 2])
    reach = side * np.sqrt(0.5) + 2
    size = np.array(image.shape[1::-1])
    low = np.clip(np.floor(middle - reach), 0, size - 1).astype(int)
    high = np.clip(np.ceil(middle + reach), low + 1, size).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    moved = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ low])
    return warp(part, moved, _SIZE)
