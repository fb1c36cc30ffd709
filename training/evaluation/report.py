"""The numbers of a measurement."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, JAW_POINTS, LANDMARK_SET, MIRROR
from keras_3dmmstn.training.evaluation import error_measures
from keras_3dmmstn.training.evaluation.error_measures import face_errors
from keras_3dmmstn.training.evaluation.measurement import Measurement
from keras_3dmmstn.training.evaluation.yaw_bins import YAW_BINS, yaw_bin

# Levels of the cumulative curve between 0 and the threshold.
_LEVELS = 101
# Which of the landmarks count.
_GROUPS = {
    "all labelled points": slice(0, None),
    "68 points": slice(0, IBUG68_COUNT),
    "51 inner points": slice(JAW_POINTS, IBUG68_COUNT),
    "21 points of AFLW": slice(IBUG68_COUNT, None),
}


def describe(measurement: Measurement, threshold: float) -> dict[str, Any]:
    """Returns a full description of a measurement, ready for JSON.

    Errors are given twice: `percent` is in % of sqrt(w·h) of the tight box of a face's labelled
    points, `pixels` in pixels at 224 in the paper's framing. Numbers without any face are None. The
    bins of |yaw| also have the mean error of |yaw| in degrees if it is labelled.

    Args:
        measurement: the measurement.
        threshold: in %: a face with a larger mean error counts as failed, and the cumulative curve
            ends there.

    Returns:
        A dict with `faces`, `skipped`, `points` (a summary for each labelled group of points),
        `threshold_percent`, `failure_rate`, `area_under_curve`, `cumulative_curve`, `moved_boxes`,
        `yaw_bins`, `landmarks` and `per_face`.
    """
    errors = face_errors(measurement.errors)
    levels = np.linspace(0, threshold, _LEVELS)
    moved = face_errors(measurement.errors_with_moved_boxes).mean()
    description = {
        "faces": len(errors),
        "skipped": [asdict(face) for face in measurement.skipped],
        "points": _groups(measurement),
        "threshold_percent": threshold,
        "failure_rate": error_measures.failure_rate(errors, threshold),
        "area_under_curve": error_measures.area_under_curve(errors, threshold),
        "cumulative_curve": {
            "percent": levels,
            "share": error_measures.cumulative_curve(errors, levels),
        },
        "moved_boxes": {"percent": moved, "ratio": moved / errors.mean()},
        "yaw_bins": _yaw_bins(measurement),
        "landmarks": _landmarks(measurement),
        "per_face": _per_face(measurement),
    }
    return _plain(description)


def _groups(measurement):
    """Summarises the groups of points that are labelled."""
    groups = {}
    for name, points in _GROUPS.items():
        percent = face_errors(measurement.errors, points)
        if np.isfinite(percent).any():
            pixels = face_errors(measurement.pixels, points)
            groups[name] = {
                "percent": asdict(error_measures.summarise(percent)),
                "pixels": asdict(error_measures.summarise(pixels)),
            }
    return groups


def _yaw_bins(measurement):
    """Describes the errors in the bins of |yaw|."""
    percent, pixels = face_errors(measurement.errors), face_errors(measurement.pixels)
    numbers = yaw_bin(measurement.yaw)
    bins = []
    for number, (low, high) in enumerate(YAW_BINS):
        chosen = numbers == number
        known = chosen & measurement.yaw_is_labelled
        off = measurement.yaw_errors[known]
        bins.append(
            {
                "from": low,
                "to": high,
                "faces": int(chosen.sum()),
                "percent": percent[chosen].mean() if chosen.any() else math.nan,
                "pixels": pixels[chosen].mean() if chosen.any() else math.nan,
                "yaw_error": np.abs(off).mean() if known.any() else math.nan,
                "yaw_too_large": off.mean() if known.any() else math.nan,
            }
        )
    labelled = measurement.yaw_is_labelled
    source = "labelled" if labelled.all() else "partly labelled" if labelled.any() else "fitted"
    means = {
        unit: error_measures.mean_over_bins([row[unit] for row in bins])
        for unit in ("percent", "pixels")
    }
    return {"source": source, "bins": bins, "unweighted_mean": means}


def _landmarks(measurement):
    """Describes the error of each landmark that is labelled in some face."""
    percent = error_measures.point_errors(measurement.errors)
    pixels = error_measures.point_errors(measurement.pixels)
    labelled = np.isfinite(measurement.errors).sum(axis=0)
    places = [
        (name, point) for name in LANDMARK_SET.split("+") for point in range(len(MIRROR[name]))
    ]
    return [
        {"set": name, "point": point, "labelled": count, "percent": share, "pixels": distance}
        for (name, point), count, share, distance in zip(
            places, labelled, percent, pixels, strict=True
        )
        if count
    ]


def _per_face(measurement):
    """Describes each face."""
    columns = {
        "name": measurement.faces.names,
        "percent": face_errors(measurement.errors),
        "pixels": face_errors(measurement.pixels),
        "percent_with_moved_box": face_errors(measurement.errors_with_moved_boxes),
        "yaw_degrees": measurement.yaw,
        "yaw_is_labelled": measurement.yaw_is_labelled,
        "fitted_yaw_degrees": measurement.fitted_yaw,
    }
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _plain(value):
    """Returns a description in built-in Python types, with NaN as None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
