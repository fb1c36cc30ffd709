"""Checks of a localiser before it sees a photograph."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def check_input(localiser: Any) -> None:
    """Raises a ValueError unless a localiser's only input is square RGB images of one size.

    Args:
        localiser: as for `Normaliser`.
    """
    shape = localiser.input_shape
    if isinstance(shape, (list, dict)):
        raise ValueError(
            "Normaliser expects a localiser with one input, images of shape (batch, side, side, "
            f"3), received one with {len(shape)} inputs."
        )
    sides = tuple(shape)[1:]
    if len(sides) != 3 or None in sides or sides[0] != sides[1] or sides[2] != 3:
        raise ValueError(
            "Normaliser expects a localiser whose input is images of shape (batch, side, side, "
            f"3) of one size, received one with input of shape {tuple(shape)}."
        )


def check_weights(path: str | Path, localiser: "keras.Model") -> None:
    """Raises a ValueError that names the first weight of a localiser that is not finite, if any.

    Args:
        path: the file it was read from, for the error message.
        localiser: the model.
    """
    import keras

    for weight in localiser.weights:
        values = keras.ops.convert_to_numpy(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(
                f"{path}: expected finite weights, received NaN or infinity in {weight.path}: the "
                "training may have diverged."
            )


def check_looks(looks: int) -> None:
    """Raises a ValueError unless a number of looks is 1 or 2."""
    if type(looks) is not int or looks not in (1, 2):
        raise ValueError(f"Expected looks 1 or 2, received {looks!r}.")
