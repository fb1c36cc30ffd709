"""A fast detector of large upright faces, such as those in front of a phone."""

from numbers import Real

import numpy as np

from keras_3dmmstn.inference.detection.found_faces import FoundFaces
from keras_3dmmstn.inference.detection.second_look import SecondLook


class ShortRangeDetector:
    """Finds large upright faces, in one look at the whole photograph.

    BlazeFace sees the photograph as a square of 128 pixels. It finds faces of at least about a
    sixth of the larger side, rotated in the image plane by at most 60°. This takes a third of the
    time of `FaceDetector`, which is for all other photographs.

    Args:
        least_score: faces with lower scores are left out.
        threads: number of threads that compute the network.

    Raises:
        ValueError: if `least_score` is not in 0..1 or `threads` is not positive.

    Source:
        Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs".
    """

    def __init__(self, least_score: float = 0.5, threads: int = 1):
        numbers = all(isinstance(value, Real) for value in (least_score, threads))
        if not (numbers and 0 <= least_score <= 1 and threads > 0):
            raise ValueError(
                "ShortRangeDetector expects least_score in 0..1 and threads > 0, received "
                f"{least_score!r} and {threads!r}."
            )
        self.least_score, self.threads = least_score, threads
        self._look = SecondLook(threads)

    def find(self, image: np.ndarray) -> FoundFaces:
        """Finds the faces of a photograph.

        Args:
            image: `(height, width, 3)` uint8 RGB, of any size.
        """
        seen = self._look.everywhere(image, self.least_score)
        boxes = np.array([sight.landmark_box() for sight in seen]).reshape(-1, 4)
        scores = np.array([sight.score for sight in seen])
        rolls = np.array([sight.roll for sight in seen])
        largest = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), kind="stable")
        return FoundFaces(boxes[largest], scores[largest], rolls[largest])
