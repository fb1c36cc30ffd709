"""Leaves out faces whose labels cannot be those of a face in a photograph, and names them."""

import math
from dataclasses import replace

import numpy as np

from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.data.skipped import Skipped, nothing_left

# JPEG images have at most 65,535 pixels per side, and points may lie a little outside.
_LARGEST_COORDINATE = 100_000
_LARGEST_CONFIDENCE = 100
_LARGEST_ANGLE = 2 * math.pi


def plausible_faces(faces: LabelledFaces) -> LabelledFaces:
    """Leaves out faces with a number that no photograph can have, and names them in `skipped`.

    Such numbers come from damaged files: a point 10³⁰ pixels away, or an angle in degrees.

    Args:
        faces: as a reader found them.

    Raises:
        ValueError: if faces were left out, here or earlier, and none is left.
    """
    reasons = [_reason(faces, number) for number in np.flatnonzero(_are_strange(faces))]
    strange = [number for number, _ in reasons]
    skipped = faces.skipped + tuple(
        Skipped(faces.names[number], reason) for number, reason in reasons
    )
    if len(strange) == len(faces) and skipped:
        raise nothing_left(skipped)
    kept = faces.choose(np.delete(np.arange(len(faces)), strange)) if strange else faces
    return replace(kept, skipped=skipped)


def single_precision(values: np.ndarray) -> np.ndarray:
    """Returns numbers as float32; those out of range become the largest float32 numbers.

    Infinite numbers would count as points that are not labelled.

    Args:
        values: float64 of any shape, NaN or infinite where unknown.
    """
    largest = np.finfo(np.float32).max
    clipped = np.clip(values, -largest, largest)
    return np.where(np.isinf(values), values, clipped).astype(np.float32)


def _limits(faces):
    """Yields names, arrays `(faces, ...)` of numbers, and how large these may be."""
    yield "coordinates within ±{:,} pixels", faces.landmarks[..., :2], _LARGEST_COORDINATE
    yield "confidences of at most {}", faces.landmarks[..., 2], _LARGEST_CONFIDENCE
    yield "a rectangle within ±{:,} pixels", faces.rectangles, _LARGEST_COORDINATE
    yield "a pose in radians, within ±{:.2f}", faces.pose, _LARGEST_ANGLE


def _are_strange(faces):
    """Returns which faces have a number beyond its limit, `(faces,)` bool."""
    # Unknown numbers are NaN, which is not above anything.
    beyond = [np.abs(array) > limit for _, array, limit in _limits(faces)]
    return np.any([array.reshape(len(faces), -1).any(axis=1) for array in beyond], axis=0)


def _reason(faces, number):
    """Returns the index of a face, as given, and what is wrong with it."""
    for what, array, limit in _limits(faces):
        largest = float(np.nan_to_num(np.abs(array[number]), nan=0.0, posinf=np.inf).max())
        if largest > limit:
            return number, f"expected {what.format(limit)}, received {largest:g}"
    raise AssertionError
