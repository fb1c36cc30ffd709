"""The face detector that comes with the package."""

import numpy as np

from keras_3dmmstn.inference.detection.candidates import best_of_each_place, shares_inside
from keras_3dmmstn.inference.detection.found_faces import FoundFaces
from keras_3dmmstn.inference.detection.interpreters import DetectorNetwork
from keras_3dmmstn.inference.detection.landmark_boxes import roll_of
from keras_3dmmstn.inference.detection.search import search
from keras_3dmmstn.inference.detection.second_look import Sight, look

# In the search, which sees all faces as they lie: from this score on a place is surely a face, and
# from this one it may be one, turned or small.
_SURE, _DOUBTFUL = 0.85, 0.1
# No more places than this are looked at again, the most likely ones first.
_MOST_LOOKS = 12
# A face that is turned less, in radians, counts as upright.
_UPRIGHT = 0.25
_QUARTER_TURNS = np.arange(4) * np.pi / 2
# What lies by more than this in a face is a part of it.
_PART = 0.7


class FaceDetector:
    """Finds faces of any turn in the plane, from frontal views to profiles.

    A photograph is searched once. Places that may be faces, but not surely upright ones, are looked
    at again: enlarged or shrunk to 96 pixels, and turned by quarter turns.

    Args:
        smallest: faces from this size on are searched for, √(w·h) of the landmarks' box in pixels.
            Half of it makes the search take four times as long, until the larger side of the
            picture that is searched has 1,024 pixels.
        least_score: faces with lower scores are left out.
        threads: that the network is computed with.

    Raises:
        ValueError: if `smallest` or `threads` is not positive, or `least_score` not in 0..1.

    Source:
        Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector"; the second look is ours.
    """

    def __init__(self, smallest: float = 24, least_score: float = 0.7, threads: int = 1):
        if not (smallest > 0 and 0 <= least_score <= 1 and threads > 0):
            raise ValueError(
                "FaceDetector expects smallest > 0, least_score in 0..1 and threads > 0, received "
                f"{smallest}, {least_score} and {threads}."
            )
        self.smallest, self.least_score, self.threads = smallest, least_score, threads
        self._network = DetectorNetwork(threads)

    def find(self, image: np.ndarray) -> FoundFaces:
        """Finds the faces of a photograph.

        Args:
            image: `(height, width, 3)` uint8 RGB, of any size.
        """
        faces = [seen for seen in self._sights(image) if seen.score >= self.least_score]
        boxes = np.array([seen.landmark_box() for seen in faces]).reshape(-1, 4)
        scores = np.array([seen.score for seen in faces])
        rolls = np.array([np.angle(np.exp(1j * seen.roll)) for seen in faces])
        kept = best_of_each_place(boxes, scores)
        kept = kept[np.argsort(-np.prod(boxes[kept, 2:] - boxes[kept, :2], axis=1), kind="stable")]
        return FoundFaces(boxes[kept], scores[kept], rolls[kept])

    def _sights(self, image):
        """Returns what was seen at the places of a photograph that may be faces."""
        candidates, searched, ratio = search(self._network, image, self.smallest, _DOUBTFUL)
        rolls = roll_of(candidates.points)
        sure = candidates.scores >= _SURE
        upright = sure & (np.abs(rolls) < _UPRIGHT)
        sights = [
            Sight(float(score), float(roll), 0.0, box, np.eye(2, 3))
            for score, roll, box in zip(
                candidates.scores[upright],
                rolls[upright],
                candidates.boxes[upright],
                strict=True,
            )
        ]
        parts = shares_inside(candidates.boxes, candidates.boxes[sure]) > _PART
        again = np.nonzero(~upright & (sure | ~parts))[0][:_MOST_LOOKS]
        for number in again:
            turns = [rolls[number]] if sure[number] else _QUARTER_TURNS
            sights.append(self._look(image, searched, ratio, candidates.boxes[number], turns))
        return sights

    def _look(self, image, searched, ratio, box, turns):
        """Returns what is seen at a place; a face that still leans is looked at once more."""
        seen = look(self._network, image, box, turns)
        if seen.score >= _DOUBTFUL and abs(seen.lean) >= _UPRIGHT:
            seen = look(self._network, image, box, [seen.roll])
        return seen
