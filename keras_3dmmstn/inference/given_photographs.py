"""Photographs as callers give them: files or arrays, one or many, with or without boxes."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.inference.photograph import as_photograph, read_photograph

Photograph = str | Path | np.ndarray
Boxes = np.ndarray | Sequence | None


def as_pixels(image: Photograph) -> np.ndarray:
    """Returns a photograph, from a file or an array, as `(height, width, 3)` uint8."""
    return read_photograph(image) if isinstance(image, (str, Path)) else as_photograph(image)


def checked_crops(crops: object, size: int) -> np.ndarray:
    """Returns crops `(n, size, size, 3)` as an array, or raises a ValueError if they are not."""
    try:
        array = np.asarray(crops)
    except ValueError:  # of several sizes
        array = np.empty(0, object)
    if array.ndim != 4 or array.shape[1:] != (size, size, 3) or array.dtype.kind not in "uif":
        raise ValueError(
            f"Expected crops of shape (n, {size}, {size}, 3), received "
            + ("no numbers." if array.dtype.kind not in "uif" else f"shape {array.shape}.")
        )
    return array


def checked_workers(workers: object) -> int:
    """Returns a number of threads, or raises a ValueError if it is invalid."""
    if not isinstance(workers, (int, np.integer)) or isinstance(workers, bool) or workers < 1:
        raise ValueError(f"Expected at least one worker, a whole number, received {workers!r}.")
    return int(workers)


def unchangeable(image: np.ndarray) -> np.ndarray:
    """Returns a read-only view of the same pixels."""
    view = image.view()
    view.flags.writeable = False
    return view


def together(images, boxes, rolls) -> Iterator[tuple[Any, ...]]:
    """Yields photographs, each with its boxes and rolls, None where none are given.

    Raises:
        TypeError: if `images` is a single photograph.
        ValueError: if there are not as many boxes or rolls as photographs.
    """
    if isinstance(images, (str, Path)):
        raise TypeError(f"Expected several photographs, in a list, received {str(images)!r}.")
    if isinstance(images, np.ndarray) and images.ndim < 4:
        raise TypeError(
            "Expected several photographs, in a list, received an array of shape "
            f"{images.shape}, which is one."
        )
    given, end = [column for column in (boxes, rolls) if column is not None], object()
    for image, *row in itertools.zip_longest(images, *given, fillvalue=end):
        if image is end or any(value is end for value in row):
            raise ValueError("Expected as many boxes and rolls as photographs.")
        values = iter(row)
        yield image, *(None if column is None else next(values) for column in (boxes, rolls))
