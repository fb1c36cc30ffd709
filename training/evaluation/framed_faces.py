"""Labelled faces, each in the boxes in which the network will see it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from keras_3dmmstn.inference.boxes import checked_boxes
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.crops import Skipped
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.data.skipped import reason_of


@dataclass(frozen=True)
class FramedFace:
    """One face, framed by each of several boxes.

    Attributes:
        number: which of the faces it is.
        box: `(4,)` x0, y0, x1, y1, the tight box of its labelled points.
        photograph: `(height, width, 3)` uint8 RGB.
        frames: `(boxes, 4)` in pixels of the photograph.
    """

    number: int
    box: np.ndarray
    photograph: np.ndarray
    frames: np.ndarray


def random_moves(count: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns shifts `(count, 2)`, in sides of a box, and scales `(count,)`.

    Shifts are uniform in ± noise, scales in 1 ± noise. A larger count does not change the first
    ones.
    """
    draws = np.random.default_rng(seed).uniform(-noise, noise, (count, 3))
    return draws[:, :2], 1 + draws[:, 2]


def moved_box(box: np.ndarray, shift: np.ndarray, scale: float) -> np.ndarray:
    """Returns a box moved by `shift` `(2,)` times its sides and scaled about its centre."""
    middle, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    middle = middle + shift * sides
    return np.concatenate([middle - scale * sides / 2, middle + scale * sides / 2])


def frame_faces(
    faces: LabelledFaces,
    moves: tuple[np.ndarray, np.ndarray],
    skipped: list[Skipped],
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
    frames: np.ndarray | None = None,
) -> Iterator[FramedFace]:
    """Yields each face framed twice: by its box, and by that box moved.

    A photograph with several consecutive faces is read once. A face is left out if its photograph
    cannot be read, or its labels or frame do not give a box that `Normaliser` accepts.

    Args:
        faces: the faces.
        moves: a move for each face, such as from `random_moves`.
        skipped: the faces that cannot be framed are appended here.
        progress: called on the sequence of faces that is iterated over, to show progress.
        frames: `(faces, 4)` boxes to frame the faces by; the tight boxes of their labelled points
            if None.
    """
    last_path, photograph = None, np.empty(0)
    for number in progress(range(len(faces))):
        path, labels = faces.paths[number], faces.landmarks[number]
        points = labels[labels[:, 2] > 0, :2].astype(float)
        box = framing.tight_box(points) if len(points) else np.zeros(4)
        if not (box[2:] > box[:2]).all() or (frames is not None and np.isnan(frames[number]).any()):
            reason = f"its {len(points)} labelled points span no box"
            skipped.append(Skipped(faces.names[number], reason))
            continue
        frame = box if frames is None else frames[number]
        both = np.stack([frame, moved_box(frame, moves[0][number], moves[1][number])])
        try:
            if path != last_path:
                photograph, last_path = read_photograph(path, upright=False), path
            checked_boxes([box, frame], photograph)
        except (OSError, ValueError, MemoryError, cv2.error) as error:
            skipped.append(Skipped(faces.names[number], reason_of(error)))
            continue
        yield FramedFace(number, box, photograph, both)
