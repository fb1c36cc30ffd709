"""Faces tracked from frame to frame, each with a number of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_3dmmstn.inference.boxes import checked_boxes, checked_rolls
from keras_3dmmstn.inference.detection import Detector
from keras_3dmmstn.inference.face_fitter import FaceFitter
from keras_3dmmstn.inference.looking import FacesInPhotographs, with_surer_rolls
from keras_3dmmstn.inference.video.sighting import Sighting, framed_again, overlaps, sightings
from keras_3dmmstn.network import framing

# A face with a lower confidence counts as lost.
_LEAST_CONFIDENCE = 0.5
# A face is looked at again, so many times at most, if the crop that suits it overlaps less
# (intersection over union) with the one in which it was seen.
_CENTRED, _LOOKS = 0.75, 2
# Boxes that overlap more belong to one face.
_SAME = 0.4
# Frames between two searches for new faces; the same while a face is missing.
_EVERY, _EVERY_WHILE_MISSING = 10, 3
#: A face that was lost for more than so many seconds does not get its number back.
REMEMBERED = 1.0
# Nor does one that comes back further away, in its sizes, or more times as large or as small.
_FAR, _MOST_GROWTH = 1.0, 1.6


@dataclass(frozen=True)
class _Missing:
    """A lost face: where and when it was last seen."""

    sighting: Sighting
    time: float


class FaceTracker:
    """Tracks faces: each is looked for where its landmarks were in the previous frame.

    The detector searches the first frame, every frame while there is no face, every third while one
    is lost, and every tenth for new ones.

    Args:
        fitter: fits faces.
        detector: finds faces.
    """

    def __init__(self, fitter: FaceFitter, detector: Detector):
        self._fitter, self._detector = fitter, detector
        self._seen: dict[int, Sighting] = {}
        self._missing: dict[int, _Missing] = {}
        self._count, self._since_search = 0, _EVERY

    def __call__(self, image: np.ndarray, time: float, is_cut: bool = False) -> dict[int, Sighting]:
        """Returns the faces of the next frame by their numbers, which count from 1.

        Args:
            image: `(height, width, 3)` uint8 RGB.
            time: of the frame in seconds.
            is_cut: whether a new scene begins, in which no face is one of the earlier ones.
        """
        if is_cut:
            self._seen, self._missing, self._since_search = {}, {}, _EVERY
        self._follow(image, time)
        self._since_search += 1
        if self._is_search_due():
            self._since_search = 0
            self._search(image, time)
        return dict(self._seen)

    def _is_search_due(self):
        if not self._seen or self._since_search >= _EVERY:
            return True
        return bool(self._missing) and self._since_search >= _EVERY_WHILE_MISSING

    def _follow(self, image, time):
        """Looks for the faces of the previous frame."""
        before = self._seen
        found = self._fitted(image, framed_again(list(before.values()), self._fitter.image_size))
        found = [self._confirmed(image, face) for face in found]
        self._seen = {
            number: replace(face, score=None)
            for number, face in zip(before, found, strict=True)
            if face is not None
        }
        for number in _doubles(before, self._seen):
            del self._seen[number]
        self._missing = {
            number: face for number, face in self._missing.items() if time - face.time <= REMEMBERED
        } | {number: _Missing(before[number], time) for number in before.keys() - self._seen.keys()}

    def _search(self, image, time):
        """Detects faces anywhere, and gives numbers to those that are not tracked yet."""
        found = self._detector.find(image)
        boxes = checked_boxes(found.boxes, image)
        known = [face.box for face in self._seen.values()]
        new = np.flatnonzero(overlaps(boxes, np.array(known)).max(axis=1, initial=0) < _SAME)
        faces = FacesInPhotographs.in_boxes(
            boxes[new],
            self._fitter.image_size,
            checked_rolls(found.rolls, boxes)[new],
            np.asarray(found.scores)[new],
        )
        size = self._fitter.image_size
        faces = with_surer_rolls(faces, [image], size, self._fitter.fit)
        fresh = [self._confirmed(image, face, at_least=1) for face in self._fitted(image, faces)]
        apart = _without_doubles([face for face in fresh if face is not None], known)
        for face, number in zip(apart, self._numbers_of(apart), strict=True):
            self._seen[number] = face
            self._missing.pop(number, None)

    def _fitted(self, image, faces):
        if not len(faces):
            return []
        return sightings(faces, self._fitter.fit(faces.crops([image], self._fitter.image_size)))

    def _confirmed(self, image, face, at_least=0):
        """Looks at a face again until it is centred; returns None if it is not a face.

        Args:
            at_least: minimum number of looks, even if the face is centred.
        """
        size = self._fitter.image_size
        for look in range(at_least + _LOOKS):
            if not _is_face(face, image):
                return None
            if look >= at_least and _is_centred(face, size):
                return face
            (face,) = self._fitted(image, framed_again([face], size))
        return face if _is_face(face, image) else None

    def _numbers_of(self, fresh):
        """Returns the numbers of newly found faces: those of missing ones, or new ones."""
        numbers: list[int | None] = [None] * len(fresh)
        missing = list(self._missing.items())
        costs = np.array(
            [[_distance(face, lost.sighting) for _, lost in missing] for face in fresh]
        ).reshape(len(fresh), len(missing))
        for row, column in zip(*linear_sum_assignment(np.minimum(costs, 2 * _FAR)), strict=True):
            if costs[row, column] <= _FAR:
                numbers[row] = missing[column][0]
        for row, number in enumerate(numbers):
            if number is None:
                self._count += 1
                numbers[row] = self._count
        return numbers


def _is_face(face: Sighting, image: np.ndarray) -> bool:
    """Returns whether a face's confidence is high enough, and it lies in the picture."""
    if face.confidence is not None and face.confidence < _LEAST_CONFIDENCE:
        return False
    x, y = face.landmarks.mean(axis=0)
    height, width = image.shape[:2]
    return 0 <= x < width and 0 <= y < height and face.size >= 1


def _is_centred(face: Sighting, size: int) -> bool:
    """Returns whether the network saw a face framed roughly as in training."""
    box = framing.tight_box(framing.apply_similarity(face.matrix, face.landmarks))
    x, y, side = framing.crop_square(box)
    wanted = np.array([[x - side / 2, y - side / 2, x + side / 2, y + side / 2]])
    return bool(overlaps(wanted, np.array([[-0.5, -0.5, size - 0.5, size - 0.5]])) >= _CENTRED)


def _distance(face: Sighting, lost: Sighting) -> float:
    """Returns a face's distance from a lost one, in face sizes; infinity if it is another one."""
    growth = face.size / lost.size
    if not 1 / _MOST_GROWTH <= growth <= _MOST_GROWTH:
        return np.inf
    apart = face.landmarks.mean(axis=0) - lost.landmarks.mean(axis=0)
    return float(np.linalg.norm(apart) / lost.size)


def _without_doubles(faces: list[Sighting], known: list[np.ndarray]) -> list[Sighting]:
    """Returns the faces that overlap neither the known boxes `(4,)` nor one another."""
    apart, boxes = [], list(known)
    for face in faces:
        if overlaps(face.box, np.array(boxes)).max(initial=0) < _SAME:
            apart.append(face)
            boxes.append(face.box)
    return apart


def _doubles(before: dict[int, Sighting], now: dict[int, Sighting]) -> Sequence[int]:
    """Returns the numbers of faces that now overlap another: of two, the one that moved more."""
    numbers = list(now)
    shared = overlaps(*[np.array([now[n].box for n in numbers])] * 2)
    doubles: set[int] = set()
    for row, number in enumerate(numbers):
        for column in range(row):
            pair = {number, numbers[column]}
            if shared[row, column] > _SAME and not pair & doubles:
                doubles.add(max(pair, key=lambda n: _distance(now[n], before[n])))
    return sorted(doubles)
