"""Chooses faces of some people by ranges of their numbers."""

import re

import numpy as np

from keras_3dmmstn.training.data.labelled_faces import LabelledFaces

_RANGE = re.compile(r"\s*([0-9]+)(?:\s*-\s*([0-9]+))?\s*")


def of_subjects(faces: LabelledFaces, ranges: str) -> np.ndarray:
    """Returns which faces show the people with these numbers in the data set.

    Args:
        faces: faces whose subjects are numbers.
        ranges: numbers and ranges, both ends included, separated by commas: "1-300" or "1-10,20".

    Returns:
        `(faces,)` bool.

    Raises:
        ValueError: if `ranges` is malformed, the subject of a face is not a number, or no face
            shows these people.
    """
    bounds = [_bounds(part, ranges) for part in ranges.split(",")]
    numbers = [
        _number(subject, name) for subject, name in zip(faces.subjects, faces.names, strict=True)
    ]
    chosen = np.array([any(a <= n <= b for a, b in bounds) for n in numbers], bool)
    if not chosen.any():
        received = f"subjects {min(numbers)} to {max(numbers)}" if numbers else "no faces"
        raise ValueError(f"Expected faces of the subjects {ranges}, received {received}.")
    return chosen


def _bounds(part, ranges):
    """Returns the first and last numbers of a range such as "1-10" or "20"."""
    match = _RANGE.fullmatch(part)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if first > last:
        raise ValueError(
            "Expected subjects as numbers and ranges from a smaller to a larger number, such as "
            f"1-300 or 1-10,20, received {ranges!r}."
        )
    return first, last


def _number(subject, name):
    """Returns a subject as a number."""
    if not (subject.isascii() and subject.isdigit()):
        raise ValueError(
            "Choosing subjects by number expects a face whose subject is a number, "
            f"received {name} with subject {subject!r}."
        )
    return int(subject)
