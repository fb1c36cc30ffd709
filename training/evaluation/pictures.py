"""Pictures of a measurement: curve, landmarks, worst and typical faces, and textures."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.atomic_files import write_atomically
from keras_3dmmstn.drawing.cumulative_curve import draw_curves
from keras_3dmmstn.drawing.face_sheets import face_sheet, texture_sheet
from keras_3dmmstn.drawing.landmark_errors import landmark_picture
from keras_3dmmstn.drawing.panels import encoded
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.training.evaluation.error_measures import face_errors
from keras_3dmmstn.training.evaluation.measurement import Measurement

_SHOWN_FACES, _SHOWN_TEXTURES = 20, 50


def write_pictures(
    folder: Path,
    normaliser: Normaliser,
    measurements: Mapping[str, Measurement],
    descriptions: Mapping[str, Mapping[str, Any]],
) -> Iterator[Path]:
    """Writes pictures of measurements to a folder.

    `cumulative_curve.png` shows all data sets. Each has `NAME_landmarks.png` (the error of each
    point on the mean face), `NAME_worst.jpg` and `NAME_median.jpg` (faces with labels in green and
    predictions in red) and `NAME_textures.jpg` (the textures of fifty faces).

    Args:
        folder: an existing folder to write to.
        normaliser: the normaliser that was measured.
        measurements: names of data sets to measurements.
        descriptions: the same names to descriptions by `report.describe`.

    Yields:
        The path of each picture once it is written.
    """
    stems = _stems(list(measurements))
    curves = {stems[name]: description for name, description in descriptions.items()}
    yield _written(folder / "cumulative_curve.png", draw_curves(curves))
    for name, measurement in measurements.items():
        stem = stems[name]
        landmarks = landmark_picture(normaliser.grid_model, descriptions[name]["landmarks"])
        yield _written(folder / f"{stem}_landmarks.png", landmarks)
        order = np.argsort(face_errors(measurement.errors))
        worst = order[::-1][:_SHOWN_FACES]
        yield _written(folder / f"{stem}_worst.jpg", _faces(measurement, worst))
        first = max(0, (len(order) - _SHOWN_FACES) // 2)
        median = order[first : first + _SHOWN_FACES]
        yield _written(folder / f"{stem}_median.jpg", _faces(measurement, median))
        spread = np.linspace(0, len(order) - 1, min(_SHOWN_TEXTURES, len(order)))
        shown = spread.round().astype(int)
        paths = [measurement.faces.paths[number] for number in shown]
        textures = texture_sheet(normaliser, paths, measurement.frames[shown])
        yield _written(folder / f"{stem}_textures.jpg", textures)


def _faces(measurement, numbers):
    """Draws some faces of a measurement, with labels, predictions and mean errors."""
    paths = [measurement.faces.paths[number] for number in numbers]
    errors = face_errors(measurement.errors)[numbers]
    return face_sheet(
        paths,
        measurement.boxes[numbers],
        measurement.faces.landmarks[numbers],
        measurement.predicted[numbers],
        [f"{path.stem}: {error:.2f} %" for path, error in zip(paths, errors, strict=True)],
    )


def _stems(names):
    """Returns file names for data sets: those of the folders, numbered if two are the same."""
    stems: dict[str, str] = {}
    for name in names:
        stem, count = Path(name).resolve().name or "faces", 1
        while (numbered := stem if count == 1 else f"{stem}-{count}") in stems.values():
            count += 1
        stems[name] = numbered
    return stems


def _written(path, picture):
    write_atomically(path, encoded(picture, path.suffix))
    return path
