"""Where to look for faces: the squares of photographs that the network sees."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_3dmmstn.inference.fitted_faces import FittedFaces
from keras_3dmmstn.inference.photograph import warp
from keras_3dmmstn.network import framing

# If the detector says that a face is turned by more radians than this, and the network's confidence
# is lower than this, the opposite roll and the upright crop are tried too.
_MUCH_TURNED, _SURE = np.pi / 4, 0.5


@dataclass(frozen=True, eq=False)
class FacesInPhotographs:
    """Faces of one or several photographs, and the crops in which the network sees them.

    Attributes:
        numbers: `(n,)`, the index of each face's photograph.
        boxes: `(n, 4)` x0, y0, x1, y1 in pixels of the photographs.
        matrices: `(n, 2, 3)` similarities from the photographs to the crops.
        scores: the detector's score of each face; None for a box that was given.
        unsure: `(n,)` bool, whether the box is only roughly that of the landmarks.
    """

    numbers: np.ndarray
    boxes: np.ndarray
    matrices: np.ndarray
    scores: Sequence[float | None]
    unsure: np.ndarray

    @classmethod
    def in_boxes(
        cls,
        boxes: np.ndarray,
        size: int,
        rolls: np.ndarray | None = None,
        scores: np.ndarray | None = None,
    ) -> "FacesInPhotographs":
        """Returns the faces of one photograph.

        Args:
            boxes: `(n, 4)` x0, y0, x1, y1 in pixels.
            size: side of the crops in pixels.
            rolls: `(n,)`, clockwise rotation of the faces, radians; None if they are upright.
            scores: `(n,)` of the detector that found them; None if the boxes were given.
        """
        turned = np.zeros(len(boxes), bool) if rolls is None else np.asarray(rolls) != 0
        return cls(
            np.zeros(len(boxes), int),
            np.asarray(boxes, float).reshape(-1, 4),
            framing.crop_matrices(boxes, size, rolls),
            [None] * len(boxes) if scores is None else [float(score) for score in scores],
            turned if scores is None else np.ones(len(boxes), bool),
        )

    def __len__(self):
        return len(self.boxes)

    def parts(self, largest: int) -> Iterator["FacesInPhotographs"]:
        """Yields the faces in their order, at most `largest` at a time."""
        for start in range(0, len(self), largest):
            part = slice(start, start + largest)
            yield FacesInPhotographs(
                self.numbers[part],
                self.boxes[part],
                self.matrices[part],
                self.scores[part],
                self.unsure[part],
            )

    def crops(self, images: Sequence[np.ndarray], size: int) -> np.ndarray:
        """Cuts the faces out of their photographs, `(n, size, size, 3)` uint8."""
        cut = [
            warp(images[number], matrix, size)
            for number, matrix in zip(self.numbers, self.matrices, strict=True)
        ]
        return np.stack(cut) if cut else np.zeros((0, size, size, 3), np.uint8)


def with_surer_rolls(
    faces: FacesInPhotographs,
    images: Sequence[np.ndarray],
    size: int,
    fit: Callable[[np.ndarray], FittedFaces],
) -> FacesInPhotographs:
    """Corrects the roll of faces that a detector says are much turned, if the network is unsure.

    A detector's points may be the wrong way round. The network therefore tries the detector's roll,
    the opposite roll and no roll, and the fit with the highest confidence decides.

    Args:
        faces: the faces.
        images: their photographs.
        size: side of the crops in pixels.
        fit: from crops to fitted faces; without a `confidence` the faces stay as they are.
    """
    said = framing.rolls(faces.matrices)
    found = np.array([score is not None for score in faces.scores], bool)
    turned = np.flatnonzero(found & (np.abs(said) > _MUCH_TURNED))
    if not len(turned):
        return faces
    rolls = np.stack([said[turned], said[turned] + np.pi, np.zeros(len(turned))])
    boxes, numbers = faces.boxes[turned], faces.numbers[turned]
    matrices = np.stack([framing.crop_matrices(boxes, size, roll) for roll in rolls])

    def confidence(way):
        framed = replace(faces, numbers=numbers, matrices=matrices[way])
        return fit(framed.crops(images, size)).confidence

    sure = [confidence(0)]
    if sure[0] is None or (sure[0] >= _SURE).all():
        return faces
    sure += [confidence(1), confidence(2)]
    best = np.where(sure[0] >= _SURE, 0, np.argmax(sure, axis=0))
    all_matrices = faces.matrices.copy()
    all_matrices[turned] = matrices[best, np.arange(len(turned))]
    return replace(faces, matrices=all_matrices)


def all_faces(photographs: Sequence[FacesInPhotographs]) -> FacesInPhotographs:
    """Returns the faces of several photographs together, in their order."""
    counts = [len(faces) for faces in photographs]
    return FacesInPhotographs(
        np.repeat(np.arange(len(counts)), counts),
        np.concatenate([faces.boxes for faces in photographs]),
        np.concatenate([faces.matrices for faces in photographs]),
        [score for faces in photographs for score in faces.scores],
        np.concatenate([faces.unsure for faces in photographs]),
    )
