"""The face detector that comes with the package."""

from numbers import Real

import numpy as np

from keras_3dmmstn.inference.detection.candidates import (
    PART,
    best_of_each_place,
    shares_inside,
    without_parts,
)
from keras_3dmmstn.inference.detection.found_faces import FoundFaces
from keras_3dmmstn.inference.detection.landmark_boxes import (
    four_points,
    landmark_box_of_search,
    roll_of,
)
from keras_3dmmstn.inference.detection.search import Search
from keras_3dmmstn.inference.detection.second_look import SecondLook

# In the search, which does not turn the photograph: with at least this score and at most this roll
# in radians, a place needs no look. All 325 such places in training photographs of five data sets,
# at any size and turn, were labelled faces. The search underestimates rolls: these faces were
# turned by 4° in the median, 95 % by less than 13°, none by more than 22°. None of 17,550 pictures
# of faces turned by 75° and more has such a place; 9 of them have one with 0.91.
PLAIN, LITTLE_ROLL = 0.92, 0.1
# From the first score on, a place is surely an upright face; from the second on, it may be a face,
# turned or small.
_SURE, _DOUBTFUL = 0.88, 0.06
# The likeliest doubtful places are looked at first; after so many looks that found no face, no more
# are. A score below the second is not a face's.
_MOST_IN_VAIN, _LIKELY = 8, 0.5
# A look with this score saw an upright face: where the search was sure, and elsewhere.
_CLEAR_IF_SURE, _CLEAR = 0.8, 0.87
# A look with a lower score saw no face at any turn.
_HOPELESS = 0.35
# Besides upright, faces are looked at with these turns: a look covers 60° to either side.
_OTHER_TURNS = np.deg2rad([120, 240])
# A face that leans more in a look, in radians, gets another look.
_UPRIGHT = 0.4
# Bias and weights of search and look: learnt from 1,750 places in training photographs of Helen,
# LFPW, YouTube Faces and CFP, at sizes from 20 to 300 pixels and any turn, on and beside the faces.
_SCORE_WEIGHTS = (-1.935, 0.455, 2.786)


class FaceDetector:
    """Finds faces with any rotation in the image plane, from frontal views to profiles.

    YuNet searches the photograph once, without turning it. A very high score means an upright or
    nearly upright face; turned faces get a low score, but they get one. BlazeFace looks at all
    other places that may be a face, cut out and, if the search is in doubt, turned by thirds of a
    turn; it estimates the rotation of the face.

    Args:
        smallest: the size from which faces are searched for, √(w·h) of the landmarks' box in
            pixels. Doubling it makes the search four times as fast. Photographs with more than
            1,024 pixels on their larger side are shrunk to that for the search.
        least_score: faces with lower scores are left out.
        threads: number of threads that compute the networks.

    Raises:
        ValueError: if `smallest` or `threads` is not positive, or `least_score` not in 0..1.
    """

    def __init__(self, smallest: float = 32, least_score: float = 0.5, threads: int = 1):
        numbers = all(isinstance(value, Real) for value in (smallest, least_score, threads))
        if not (numbers and smallest > 0 and 0 <= least_score <= 1 and threads > 0):
            raise ValueError(
                "FaceDetector expects smallest > 0, least_score in 0..1 and threads > 0, received "
                f"{smallest!r}, {least_score!r} and {threads!r}."
            )
        self.smallest, self.least_score, self.threads = smallest, least_score, threads
        self._search, self._look = Search(smallest, threads), SecondLook(threads)

    def find(self, image: np.ndarray) -> FoundFaces:
        """Finds the faces of a photograph.

        Args:
            image: `(height, width, 3)` uint8 RGB, of any size.
        """
        faces = [face for face in self._faces(image) if face[0] >= self.least_score]
        scores = np.array([score for score, _, _ in faces])
        boxes = np.array([box for _, box, _ in faces]).reshape(-1, 4)
        rolls = np.array([roll for _, _, roll in faces])
        kept = best_of_each_place(boxes, scores)
        kept = kept[without_parts(boxes[kept], scores[kept])]
        areas = np.prod(boxes[kept, 2:] - boxes[kept, :2], axis=1)
        kept = kept[np.argsort(-areas, kind="stable")]
        return FoundFaces(boxes[kept], scores[kept], rolls[kept])

    def _faces(self, image):
        """Returns score, box and roll of the places of a photograph that may be faces."""
        places = self._search(image, _DOUBTFUL)
        sure = places.scores >= _SURE
        parts = shares_inside(places.boxes, places.boxes[sure]) > PART
        doubtful = np.nonzero(~sure & ~parts)[0]
        faces, in_vain = [], 0
        for number in [*np.nonzero(sure)[0], *doubtful]:
            box, score = places.boxes[number], places.scores[number]
            roll = roll_of(four_points(places.points[number]))
            if score >= PLAIN and abs(roll) <= LITTLE_ROLL:
                # As if a look had given the same score.
                faces.append((joint_score(score, score), landmark_box_of_search(box), roll))
                continue
            seen = self._best_look(image, box, _CLEAR_IF_SURE if sure[number] else _CLEAR)
            faces.append((joint_score(score, seen.score), seen.landmark_box(), seen.roll))
            in_vain += not sure[number] and faces[-1][0] < _LIKELY
            if in_vain == _MOST_IN_VAIN:
                break
        return faces

    def _best_look(self, image, box, clear):
        """Returns the sight with the highest score of three turns, corrected to upright.

        No other turn is tried if the first look's score reaches `clear`, or it saw no face at all.
        """
        seen = self._look(image, box, 0.0)
        if _HOPELESS <= seen.score < clear:
            others = [self._look(image, box, turn) for turn in _OTHER_TURNS]
            seen = max(seen, *others, key=lambda sight: sight.score)
        if seen.score >= _HOPELESS and abs(seen.lean) > _UPRIGHT:
            again = self._look(image, box, seen.roll)
            seen = max(seen, again, key=lambda sight: sight.score)
        return seen


def joint_score(of_search: float, of_look: float) -> float:
    """Returns the probability that a place is a face, from the scores of search and look.

    It is a logistic regression on the logarithms of their odds.
    """
    bias, *weights = _SCORE_WEIGHTS
    odds = [np.log(max(score, 1e-6) / max(1 - score, 1e-6)) for score in (of_search, of_look)]
    return float(1 / (1 + np.exp(-bias - np.dot(weights, np.clip(odds, -6, 6)))))
