"""A run that gives trained weights their confidence and spread."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.network.localiser_answers import answer_shapes
from keras_3dmmstn.training.confidence.chosen_faces import chosen_faces
from keras_3dmmstn.training.confidence.difficult_crops import difficult_crops
from keras_3dmmstn.training.confidence.train_confidence import (
    Judgements,
    calibrate,
    check_localiser,
    confidence_of,
    judge,
    train_confidence,
)
from keras_3dmmstn.training.confidence.train_spread import (
    calibrate_spread,
    has_labels_of_all,
    spread_of,
    train_spread,
)
from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.skipped import Skipped
from keras_3dmmstn.training.recipes import recipe

#: Side in pixels of the crops that are kept in memory, and their maximum number.
STORED_SIZE, MOST_FACES = 256, 6000
_CALIBRATION_SEED = 1


@dataclass(frozen=True)
class ConfidenceRun:
    """The result of a run.

    Attributes:
        normaliser: the weights with their confidence and spread.
        trained_on: their results on the crops for training.
        calibrated_on: the same for the crops for calibration; None without calibration.
        scale_and_shift: how the calibration scaled and shifted the logit.
        skipped: faces that could not be used.
    """

    normaliser: Normaliser
    trained_on: Judgements
    calibrated_on: Judgements | None
    scale_and_shift: tuple[float, float]
    skipped: tuple[Skipped, ...] = ()

    def confidence(self, judgements: Judgements) -> np.ndarray:
        """Returns the confidence of the weights in crops that they have judged, `(n,)`."""
        return confidence_of(self.normaliser.localiser, judgements.features)

    def spread(self, judgements: Judgements) -> np.ndarray | None:
        """Returns the spread of their landmarks, `(n, 68)`; None if the weights have none."""
        localiser = self.normaliser.localiser
        has_spread = answer_shapes(localiser).spread is not None
        return spread_of(localiser, judgements.features) if has_spread else None


def add_confidence(
    normaliser: Normaliser,
    folders: Sequence[str | Path],
    calibration: Sequence[str | Path] = (),
    crops: int = 12_000,
    seed: int = 0,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> ConfidenceRun:
    """Trains the confidence of weights on labelled photographs; θ does not change.

    They also get a spread if each of the 68 landmarks is labelled in some of the photographs.

    Args:
        normaliser: the trained weights.
        folders: labelled photographs, such as those that the weights were trained on, or shards;
            equally many faces are taken from each if there are enough.
        calibration: labelled photographs that they were not trained on; none: no calibration.
        crops: how many crops the head is trained on; a third as many are used for calibration.
        seed: seed for all randomness.
        progress: called on each sequence that is iterated over, to show progress.

    Raises:
        ValueError: if there are no labelled photographs, the results on the crops are all right or
            all wrong, or the localiser is not one of `build_localiser`.
    """
    check_localiser(normaliser.localiser)
    choice = (MOST_FACES, STORED_SIZE, seed, progress)
    calibrating = chosen_faces(calibration, *choice) if calibration else None
    faces = chosen_faces(folders, *choice)
    trained_on = judged(normaliser, faces, crops, seed, progress)
    localiser = train_confidence(normaliser.localiser, trained_on, seed)
    has_spread = has_labels_of_all(trained_on)
    if has_spread:
        localiser = train_spread(localiser, trained_on, seed)
    calibrated_on, change = None, (1.0, 0.0)
    if calibrating is not None:
        calibrated_on = judged(
            normaliser, calibrating, max(crops // 3, 1), seed + _CALIBRATION_SEED, progress
        )
        change = calibrate(localiser, calibrated_on)
        if has_spread and has_labels_of_all(calibrated_on):
            calibrate_spread(localiser, calibrated_on)
    sure = Normaliser(
        localiser,
        normaliser.grid_model,
        normaliser.visibility,
        normaliser.camera.focal_length,
        normaliser.texture_size,
        normaliser.fill,
        normaliser.detector,
        normaliser.looks,
    )
    skipped = faces.skipped + (calibrating.skipped if calibrating else ())
    return ConfidenceRun(sure, trained_on, calibrated_on, change, skipped)


def judged(
    normaliser: Normaliser,
    faces: FaceCrops,
    count: int,
    seed: int = 0,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> Judgements:
    """Returns the results of weights on difficult crops of faces.

    Args:
        normaliser: the weights.
        faces: faces with their labels.
        count: how many crops.
        seed: seed for the crops.
        progress: as for `add_confidence`.
    """
    config = replace(recipe("compact"), image_size=normaliser.image_size)
    crops = difficult_crops(faces, config, count, seed)
    shown = zip(progress(range(count)), crops, strict=True)
    return judge(normaliser, (crop for _, crop in shown))
