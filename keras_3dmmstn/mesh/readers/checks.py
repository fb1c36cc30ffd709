"""Checks of the arrays in a file for the readers; each error names the file and the array."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

# No model has larger numbers in any unit; damaged files do.
_LARGEST = 1e15


def require(path: str | Path, arrays: Mapping, names: Iterable[str], what: str) -> None:
    """Raises a ValueError that lists those of `names` that `arrays` lacks.

    Args:
        path: the file, for the error message.
        arrays: the file's arrays, by name.
        names: the names of the arrays that a reader needs.
        what: what the file should be, for the error message.
    """
    missing = [name for name in names if name not in arrays]
    if missing:
        held = ", ".join(sorted(name for name in arrays if not name.startswith("__"))[:20])
        raise ValueError(
            f"{path}: {what} holds {', '.join(missing)}, which is missing here. "
            f"Received {held or 'nothing'}."
        )


def as_array(path: str | Path, name: str, value: object) -> np.ndarray:
    """Returns an array unchanged, or nested lists of numbers as one.

    NumPy would make arrays of anything: of texts, as wide as the longest, or of objects.

    Args:
        path: the file, for the error message.
        name: the name of the array in the file.
        value: an array, a number, or nested lists of numbers.

    Raises:
        ValueError: if it is something else.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    if not _is_of_numbers(value):
        raise ValueError(f"{path}: expected numbers in `{name}`, received something else.")
    try:
        return np.asarray(value)
    except (ValueError, OverflowError) as error:  # rows of different lengths
        raise ValueError(
            f"{path}: expected an array of numbers in `{name}`: {str(error).split('.')[0]}."
        ) from error


def _is_of_numbers(value, depth=0):
    """Returns whether a value is a number, or lists of numbers nested at most four deep."""
    if isinstance(value, (list, tuple)):
        return depth < 4 and all(_is_of_numbers(item, depth + 1) for item in value)
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiub" and depth + value.ndim <= 4
    return isinstance(value, (int, float, np.number))


def numbers(
    path: str | Path, name: str, array: object, shape: tuple[int | None, ...]
) -> np.ndarray:
    """Returns an array of finite numbers after checking its shape.

    Args:
        path: the file, for the error message.
        name: the name of the array in the file.
        array: the array.
        shape: the expected shape; None stands for any size but 0.

    Raises:
        ValueError: if it has another shape, is not numeric, or contains NaN, infinity or absurdly
            large numbers.
    """
    array = as_array(path, name, array)
    fits = array.ndim == len(shape) and all(
        size == wanted or (wanted is None and size > 0)
        for size, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits or array.dtype.kind not in "fiu":
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(
            f"{path}: expected `{name}` of shape ({wanted}) and numbers, "
            f"received shape {array.shape} of {array.dtype}."
        )
    if array.dtype.kind == "f" and not np.abs(array).max() < _LARGEST:
        raise ValueError(
            f"{path}: expected finite numbers below {_LARGEST:g} in `{name}`, "
            "received larger ones, NaN or infinity."
        )
    return array


def indices(path: str | Path, name: str, array: object, count: int, first: int = 0) -> np.ndarray:
    """Returns vertex numbers counted from 0 after checking their range.

    Args:
        path: the file, for the error message.
        name: the name of the array in the file.
        array: vertex numbers, of any shape; whole numbers of any type.
        count: how many vertices there are.
        first: the number of the first vertex in the file (MATLAB counts from 1).

    Raises:
        ValueError: if they are not whole numbers from `first` to `first + count - 1`.
    """
    array = as_array(path, name, array)
    whole = array.dtype.kind in "iu" or (
        array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.round(array)).all()
    )
    if not array.size or not whole:
        raise ValueError(
            f"{path}: expected whole numbers in `{name}`, received shape {array.shape} of "
            f"{array.dtype}."
        )
    if array.min() < first or array.max() > count - 1 + first:
        raise ValueError(
            f"{path}: expected `{name}` to number vertices {first} to {count - 1 + first}, "
            f"received {array.min()} to {array.max()}."
        )
    return array.astype(np.int64) - first


def triangles(path: str | Path, name: str, array: object, count: int, first: int = 0) -> np.ndarray:
    """Returns `(triangles, 3)` vertex indices from 0; `array` may be the transpose.

    Quads are split from their first corner. A quad with two equal neighbouring corners is a
    triangle.

    Raises:
        ValueError: if the shape is none of `(triangles, 3)`, `(3, triangles)`, `(quads, 4)` and
            `(4, quads)`, an index is out of range, no triangle is left, or the shape is `(3, 4)`,
            which may be four triangles or three quads, and the name does not say quads.
    """
    array = as_array(path, name, array)
    if array.shape == (3, 4) and "quad" not in name:
        raise ValueError(
            f"{path}: expected `{name}` of shape (triangles, 3), received shape (3, 4), which may "
            "be four triangles or three quads: transpose it, or call it `quads`."
        )
    if array.ndim == 2 and array.shape[1] not in (3, 4) and array.shape[0] in (3, 4):
        array = array.T
    corners = 4 if array.ndim == 2 and array.shape[1] == 4 else 3
    faces = indices(path, name, numbers(path, name, array, (None, corners)), count, first)
    if corners == 3:
        return faces
    halves = faces[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)
    a, b, c = halves.T
    left = halves[(a != b) & (b != c) & (c != a)]
    if not len(left):
        raise ValueError(
            f"{path}: expected quads with three different corners at least in `{name}`, received "
            "none."
        )
    return left


def mode_count(path: str | Path, kind: str, asked: int | None, held: int) -> int:
    """Returns how many modes of a kind to keep: `asked`, or all in the file if None.

    Raises:
        ValueError: if `asked` is not a whole number, is negative, or exceeds those in the file.
    """
    if asked is None:
        return held
    if not 0 <= asked <= held or asked != int(asked):
        raise ValueError(f"{path}: expected 0 to {held} {kind} modes, received {asked}.")
    return int(asked)
