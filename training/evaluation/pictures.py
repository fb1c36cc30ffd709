"""Pictures of a measurement: curve, landmarks, worst and typical faces, a sheet of textures."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_3dmmstn.atomic_files import write_atomically
from keras_3dmmstn.drawing.cumulative_curve import draw_curves
from keras_3dmmstn.drawing.panels import draw_text, encoded, resized, tiled, with_caption
from keras_3dmmstn.drawing.render import render_mesh
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import MIRROR
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.evaluation.error_measures import face_errors
from keras_3dmmstn.training.evaluation.measurement import Measurement

# Label and prediction have the colours of the paper's Figure 5.
_LABEL, _PREDICTION = (60, 220, 60), (255, 50, 50)
_FACE_SIZE, _MEAN_SIZE, _TEXTURE_SIZE = 256, 640, 112
_SHOWN_FACES, _FACES_IN_A_ROW = 20, 5
_SHOWN_TEXTURES, _TEXTURES_IN_A_ROW = 50, 10
# The largest circle on the mean face, in pixels, and OpenCV's fractional bits for coordinates.
_LARGEST_RADIUS, _FRACTION_BITS = 14, 4


def write_pictures(
    folder: Path,
    normaliser: Normaliser,
    measurements: Mapping[str, Measurement],
    descriptions: Mapping[str, Mapping[str, Any]],
) -> Iterator[Path]:
    """Writes pictures of measurements to a folder.

    `cumulative_curve.png` has all data sets. Each has `NAME_landmarks.png` (the error of each point
    on the mean face), `NAME_worst.jpg` and `NAME_median.jpg` (faces with labels in green and
    predictions in red) and `NAME_textures.jpg` (the textures of fifty faces).

    Args:
        folder: where to write; it exists.
        normaliser: what was measured.
        measurements: data sets' names to measurements.
        descriptions: the same names to what `evaluation_report.describe` says of them.

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
        yield _written(folder / f"{stem}_worst.jpg", face_sheet(measurement, worst))
        first = max(0, (len(order) - _SHOWN_FACES) // 2)
        median = order[first : first + _SHOWN_FACES]
        yield _written(folder / f"{stem}_median.jpg", face_sheet(measurement, median))
        spread = np.linspace(0, len(order) - 1, min(_SHOWN_TEXTURES, len(order))).round()
        textures = texture_sheet(normaliser, measurement, spread.astype(int))
        yield _written(folder / f"{stem}_textures.jpg", textures)


def landmark_picture(model: GridModel, landmarks: list[dict[str, Any]]) -> np.ndarray:
    """Draws the error of each landmark as a circle on the mean face, its radius as large.

    Args:
        model: the face model.
        landmarks: of a description by `evaluation_report.describe`.

    Returns:
        `(640, 640, 3)` uint8 RGB picture.
    """
    low, high = model.mean[:, :2].min(axis=0), model.mean[:, :2].max(axis=0)
    centre, width = (low + high) / 2, 1.05 * float((high - low).max())
    picture = render_mesh(model.mean, model.triangles, _MEAN_SIZE, frame=(centre, width))
    largest = max(row["percent"] for row in landmarks)
    for row in landmarks:
        place = model.mean[model.landmarks[row["set"]][row["point"]], :2]
        x, y = (place - centre) * _MEAN_SIZE / width + (_MEAN_SIZE - 1) / 2
        share = row["percent"] / largest
        colour = _red_where_large(share)
        _draw_disc(picture, (x, y), _LARGEST_RADIUS * share, colour)
    draw_text(picture, f"largest circle: {largest:.2f} %", (10, _MEAN_SIZE - 12))
    sets = " and ".join(name for name in MIRROR if any(row["set"] == name for row in landmarks))
    draw_text(picture, f"mean error of each point of {sets}", (10, 22))
    return picture


def face_sheet(measurement: Measurement, numbers: np.ndarray) -> np.ndarray:
    """Draws faces with labelled points, predicted points and the lines between them.

    Args:
        measurement: the measurement.
        numbers: which of its faces.
    """
    errors = face_errors(measurement.errors)
    cards = []
    for number in numbers:
        matrix = framing.crop_matrix(measurement.boxes[number], _FACE_SIZE)
        card = warp(
            read_photograph(measurement.faces.paths[number], upright=False), matrix, _FACE_SIZE
        )
        labels = measurement.faces.landmarks[number]
        known = labels[:, 2] > 0
        labelled = framing.apply_similarity(matrix, labels[known, :2].astype(float))
        predicted = framing.apply_similarity(matrix, measurement.predicted[number, known])
        pieces = _fixed_point(np.stack([labelled, predicted], axis=1))
        cv2.polylines(card, list(pieces), False, (255, 230, 60), 1, cv2.LINE_AA, _FRACTION_BITS)
        for points, colour in ((labelled, _LABEL), (predicted, _PREDICTION)):
            for point in points:
                _draw_disc(card, point, 1.6, colour)
        name = measurement.faces.paths[number].stem
        cards.append(with_caption(card, f"{name}: {errors[number]:.2f} %"))
    return tiled(cards, _FACES_IN_A_ROW)


def texture_sheet(
    normaliser: Normaliser, measurement: Measurement, numbers: np.ndarray
) -> np.ndarray:
    """Draws the textures of some faces of a measurement, in rows of ten."""
    textures = []
    for number in numbers:
        photograph = read_photograph(measurement.faces.paths[number], upright=False)
        (face,) = normaliser(photograph, measurement.frames[number][None])
        textures.append(resized(face.texture, _TEXTURE_SIZE))
    return tiled(textures, _TEXTURES_IN_A_ROW)


def _stems(names):
    """Returns names of files for data sets: the folders', numbered where two are the same."""
    stems = {}
    for name in names:
        stem, count = Path(name).resolve().name or "faces", 1
        while (numbered := stem if count == 1 else f"{stem}-{count}") in stems.values():
            count += 1
        stems[name] = numbered
    return stems


def _written(path, picture):
    write_atomically(path, encoded(picture, path.suffix))
    return path


def _red_where_large(share):
    """Returns a colour from green over yellow to red for a share 0..1."""
    return (round(255 * min(1, 2 * share)), round(200 * min(1, 2 - 2 * share)), 40)


def _draw_disc(picture, place, radius, colour):
    x, y = _fixed_point(np.asarray(place)).tolist()
    fixed_radius = round(radius * (1 << _FRACTION_BITS))
    cv2.circle(picture, (x, y), fixed_radius, colour, -1, cv2.LINE_AA, _FRACTION_BITS)


def _fixed_point(points):
    return np.round(points * (1 << _FRACTION_BITS)).astype(np.int32)
