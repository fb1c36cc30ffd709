"""From YuNet's maps to places that may be faces."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

STRIDES = (8, 16, 32)
# Two boxes whose intersection over union is larger belong to one face.
_SAME_FACE = 0.3
#: A box of which a larger share lies in another is a part of it.
PART = 0.7


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places of a picture that may be faces.

    Attributes:
        boxes: `(n, 4)` x0, y0, x1, y1: forehead to chin, ear to ear.
        scores: `(n,)` in 0..1.
        points: `(n, 5, 2)` x, y: image-left and image-right eye, tip of the nose, image-left and
            image-right corner of the mouth.
    """

    boxes: np.ndarray
    scores: np.ndarray
    points: np.ndarray

    def at_least(self, score: float) -> "Candidates":
        """Returns the candidates with at least this score."""
        kept = self.scores >= score
        return Candidates(self.boxes[kept], self.scores[kept], self.points[kept])

    def scaled(self, scale: np.ndarray) -> "Candidates":
        """Returns the candidates in a picture that is `scale` (x, y) times as large."""
        shift = (scale - 1) / 2  # pixel centres are at integers
        boxes = self.boxes * np.tile(scale, 2) + np.tile(shift, 2)
        return Candidates(boxes, self.scores, self.points * scale + shift)


def best_candidates(parts: Sequence[Candidates]) -> Candidates:
    """Returns the best candidate of each place found by several searches, the best first."""
    found = _joined(parts)
    kept = best_of_each_place(found.boxes, found.scores)
    return Candidates(found.boxes[kept], found.scores[kept], found.points[kept])


def decode(maps: Sequence[np.ndarray], least: float) -> Candidates:
    """Decodes the network's maps.

    A cell at row i and column j of the map of stride s has the numbers (class, object, x, y, w, h)
    and (x₁, y₁, ... x₅, y₅). With the logistic function σ they mean

        score = √(σ(class) σ(object)),  centre = s (j + x, i + y),  size = s (exp w, exp h),
        points = s (j + x_k, i + y_k)

    Args:
        maps: for each stride `(rows, columns, 16)`.
        least: cells with lower scores are left out.

    Source:
        Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector".
    """
    return _joined(
        [_decode_map(*of_stride, least) for of_stride in zip(maps, STRIDES, strict=True)]
    )


def _joined(parts):
    """Returns the candidates of several searches together."""
    return Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.points for part in parts]),
    )


def _decode_map(values, stride, least):
    # Far below zero exp overflows to ∞, and the score is 0 as it should be.
    with np.errstate(over="ignore"):
        scores = 1 / np.sqrt((1 + np.exp(-values[..., 0])) * (1 + np.exp(-values[..., 1])))
    rows, columns = np.nonzero(scores >= least)
    chosen = values[rows, columns].astype(float)
    cells = np.stack([columns, rows], axis=1)
    centres = cells + chosen[:, 2:4]
    sizes = np.exp(chosen[:, 4:6])
    boxes = stride * np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    points = stride * (cells[:, None] + chosen[:, 6:].reshape(-1, 5, 2))
    return Candidates(boxes, scores[rows, columns].astype(float), points)


def best_of_each_place(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns the indices of boxes `(n, 4)` not overlapped by a better one, the best first."""
    if not len(boxes):
        return np.empty(0, int)
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), scores.tolist(), 0.0, _SAME_FACE)
    return np.array(kept, int).ravel()


def without_parts(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns the indices of boxes `(n, 4)` neither part of a better one nor containing one."""
    kept: list[int] = []
    for number in np.argsort(-scores, kind="stable"):
        better, one = boxes[kept], boxes[[number]]
        inside = max(shares_inside(one, better)[0], *shares_inside(better, one), 0)
        if inside <= PART:
            kept.append(int(number))
    return np.array(kept, int)


def shares_inside(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the largest share of each box `(n, 4)` that lies in one of the others `(m, 4)`."""
    if not len(others):
        return np.zeros(len(boxes))
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    return common.max(axis=1) / np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
