"""Labels removed on purpose, to see how little supervision is enough."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.mesh.landmark_sets import LANDMARK_COUNT
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS, with_five_points


@dataclass(frozen=True)
class Supervision:
    """Which labels training sees; the others get confidence 0.

    Attributes:
        label_share: share of the faces that keep their labels, chosen once by the seed.
        only_points: the landmarks that keep their labels, as indices in `LANDMARK_SET`; None for
            all. `labelled_faces.FIVE_POINTS` are eye centres, nose tip and mouth corners; for a
            face that has the 68 points instead, they are computed from these.
        confidence: factor for each landmark's confidence; 1 by default.

    Raises:
        ValueError: if the share is outside 0..1 or a landmark does not exist.
    """

    label_share: float = 1.0
    only_points: Sequence[int] | None = None
    confidence: Sequence[float] | None = None

    def __post_init__(self):
        if not 0 <= self.label_share <= 1:
            raise ValueError(f"Expected a label share of 0 to 1, received {self.label_share}.")
        points = [] if self.only_points is None else list(self.only_points)
        if not all(0 <= point < LANDMARK_COUNT for point in points):
            raise ValueError(f"Expected landmarks 0 to {LANDMARK_COUNT - 1}, received {points}.")
        if self.confidence is not None and len(self.confidence) != LANDMARK_COUNT:
            raise ValueError(
                f"Expected {LANDMARK_COUNT} factors of confidence, received {len(self.confidence)}."
            )

    def labels(self, landmarks: np.ndarray) -> np.ndarray:
        """Returns landmarks `(..., 89, 3)`, with the five points if only these are kept."""
        five = self.only_points is not None and set(self.only_points) == set(FIVE_POINTS)
        return with_five_points(landmarks) if five else landmarks

    def factors(self, count: int, seed: int) -> np.ndarray:
        """Returns factors for the confidences, `(count, 89)` float32.

        Args:
            count: number of faces.
            seed: seed for the choice of faces. A smaller share keeps a subset of a larger one.
        """
        of_points = np.ones(LANDMARK_COUNT, np.float32)
        if self.only_points is not None:
            of_points[:] = 0
            of_points[list(self.only_points)] = 1
        if self.confidence is not None:
            of_points *= np.asarray(self.confidence, np.float32)
        kept = np.zeros((count, 1), np.float32)
        order = np.random.default_rng([seed, 1]).permutation(count)
        kept[order[: int(np.ceil(self.label_share * count))]] = 1
        return kept * of_points
