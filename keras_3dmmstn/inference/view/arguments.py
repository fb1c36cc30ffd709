"""Checks of the arguments of a view."""

from collections.abc import Sequence

import numpy as np

from keras_3dmmstn.inference.view.filling import check_fill

#: Smallest and largest side of a picture in pixels.
SIZES = (16, 4096)


def check_view(size: int, background: Sequence[int] | None, fill: str | None) -> None:
    """Raises a ValueError if an argument is invalid for `NormalisedFace.front_view`."""
    low, high = SIZES
    if not isinstance(size, (int, np.integer)) or not low <= size <= high:
        raise ValueError(f"Expected a size of {low} to {high} pixels, received {size!r}.")
    if background is not None:
        colour = np.asarray(background)
        is_level = colour.dtype.kind in "iu" and ((colour >= 0) & (colour <= 255)).all()
        if colour.shape != (3,) or not is_level:
            raise ValueError(
                "Expected a background of None or three integers from 0 to 255, "
                f"received {background!r}."
            )
    check_fill(fill)


def checked_rotation(rotation: np.ndarray | Sequence[float] | None) -> np.ndarray:
    """Returns an axis-angle vector `(3,)` in radians, zeros for None, or raises a ValueError."""
    if rotation is None:
        return np.zeros(3)
    return _vector(rotation, 3, "an axis-angle `rotation`")


def checked_expression(
    expression: str | np.ndarray | Sequence[float] | None, fitted: np.ndarray
) -> np.ndarray:
    """Returns the requested expression coefficients `(E,)`, or raises a ValueError.

    Args:
        expression: None for the fitted ones, `"neutral"` for zeros, or coefficients.
        fitted: `(E,)`.
    """
    if expression is None:
        return np.asarray(fitted)
    if isinstance(expression, str):
        if expression != "neutral":
            raise ValueError(
                f"Expected `expression` to be None, 'neutral' or an array, received {expression!r}."
            )
        return np.zeros(len(fitted))
    return _vector(expression, len(fitted), "`expression`")


def _vector(values, length, name):
    """Returns numbers as `(length,)` floats, or raises a ValueError."""
    try:
        vector = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected {name} of {length} numbers, received {values!r}.") from error
    if vector.shape != (length,):
        raise ValueError(f"Expected {name} of shape ({length},), received shape {vector.shape}.")
    if not np.isfinite(vector).all():
        raise ValueError(f"Expected {name} of finite numbers, received {vector.tolist()}.")
    return vector
