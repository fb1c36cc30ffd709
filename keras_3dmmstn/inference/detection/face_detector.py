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

# In the search, which sees all faces as they lie: from this score on, and with so small a roll in
# radians, a place needs no look. All 325 such places in training photographs of five data sets, at
# any size and turn, were labelled faces. The search makes rolls too small: these faces were turned
# by 4° in the median, 95 % by less than 13°, none by more than 22°. None of 17,550 pictures of
# faces that are turned by 75° and more has such a place; 9 of them have one with 0.91.
PLAIN, LITTLE_ROLL = 0.92, 0.1
# From this score on a place is surely an upright face, and from this one it may be a face, turned
# or small.
_SURE, _DOUBTFUL = 0.88, 0.06
# After so many looks at doubtful places that were no faces, the likeliest places first, no more are
# looked at. A score below this one is no face's.
_MOST_IN_VAIN, _LIKELY = 8, 0.5
# A look with this score saw a face that is upright in it: where the search was sure, and elsewhere.
_CLEAR_IF_SURE, _CLEAR = 0.8, 0.87
# A look with a lower score saw no face, however it may be turned.
_HOPELESS = 0.35
# Besides upright, faces are looked at with these turns: a look sees 60° more or less.
_OTHER_TURNS = np.deg2rad([120, 240])
# A face that leans more in a look, in radians, is looked at once more.
_UPRIGHT = 0.4
# Bias and weights of search and look: learnt from 1,750 places in training photographs of Helen,
# LFPW, YouTube Faces and CFP at sizes from 20 to 300 pixels and any turn, and beside their faces.
_SCORE_WEIGHTS = (-1.935, 0.455, 2.786)


class FaceDetector:
    """Finds faces of any turn in the plane, from frontal views to profiles.

    YuNet searches a photograph once, as it lies. What it is quite sure of is an upright face, or
    nearly. It has a low score for turned faces, but it has one. BlazeFace looks at each other place
    that may be a face, cut out and, where the search is in doubt, turned by thirds of a turn; it
    tells how far the face is turned.

    Args:
        smallest: faces from this size on are searched for, √(w·h) of the landmarks' box in pixels.
            Twice this size makes the search take a quarter of the time. No picture with more than
            1,024 pixels on its larger side is searched: the photograph is shrunk to that.
        least_score: faces with lower scores are left out.
        threads: that the networks are computed with.

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
        """Returns score, box and roll for the places of a photograph that may be faces."""
        places = self._search(image, _DOUBTFUL)
        sure = places.scores >= _SURE
        parts = shares_inside(places.boxes, places.boxes[sure]) > PART
        doubtful = np.nonzero(~sure & ~parts)[0]
        faces, in_vain = [], 0
        for number in [*np.nonzero(sure)[0], *doubtful]:
            box, score = places.boxes[number], places.scores[number]
            roll = roll_of(four_points(places.points[number]))
            if score >= PLAIN and abs(roll) <= LITTLE_ROLL:
                # As if a look had been as sure.
                faces.append((joint_score(score, score), landmark_box_of_search(box), roll))
                continue
            seen = self._best_look(image, box, _CLEAR_IF_SURE if sure[number] else _CLEAR)
            faces.append((joint_score(score, seen.score), seen.landmark_box(), seen.roll))
            in_vain += not sure[number] and faces[-1][0] < _LIKELY
            if in_vain == _MOST_IN_VAIN:
                break
        return faces

    def _best_look(self, image, box, clear):
        """Returns the sight with the highest score of three turns, looked at upright.

        No other turn is tried if the first look has a score of `clear`, or saw no face at all.
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
    """Returns how likely a place is a face, from the scores of search and look.

    A logistic regression on the logarithms of their odds.
    """
    bias, *weights = _SCORE_WEIGHTS
    odds = [np.log(max(score, 1e-6) / max(1 - score, 1e-6)) for score in (of_search, of_look)]
    return float(1 / (1 + np.exp(-bias - np.dot(weights, np.clip(odds, -6, 6)))))
