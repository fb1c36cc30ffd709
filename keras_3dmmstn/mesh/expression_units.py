"""The named expressions of a face model's source, as coefficients of its expression modes."""

import numpy as np


def as_expression_units(units: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns name to coefficients as float32 arrays."""
    return {name: np.asarray(coefficients, np.float32) for name, coefficients in units.items()}


def check_expression_units(units: dict[str, np.ndarray], modes: int) -> None:
    """Raises a ValueError unless all have a finite coefficient for each expression mode."""
    for name, coefficients in units.items():
        if coefficients.shape != (modes,) or not np.isfinite(coefficients).all():
            raise ValueError(
                f"Expected expression_units[{name!r}] to be {modes} finite numbers, one for each "
                f"mode of expression, received shape {coefficients.shape}."
            )


def expression_units(
    names: list[str], offsets: np.ndarray, modes: np.ndarray
) -> dict[str, np.ndarray]:
    """Returns the mode coefficients that approximate blend shapes best.

    Args:
        names: the names of the blend shapes.
        offsets: `(shapes, vertices, 3)`, each at full activation.
        modes: `(modes, vertices, 3)`, linearly independent.

    Returns:
        Name to `(modes,)` coefficients; with as many modes as blend shapes they are exact. Empty
        if there are no modes.
    """
    if not len(modes):
        return {}
    rows, shapes = (array.reshape(len(array), -1).astype(float) for array in (modes, offsets))
    coefficients = np.linalg.lstsq(rows @ rows.T, rows @ shapes.T, rcond=None)[0].T
    return as_expression_units(dict(zip(names, coefficients, strict=True)))


def unit_activations(units: dict[str, np.ndarray], coefficients: np.ndarray) -> np.ndarray | None:
    """Returns the smallest activations `(units,)` that produce an expression `(modes,)`.

    Returns:
        None if the units do not span all modes: they cannot produce every expression then.
    """
    matrix = np.stack([*units.values()]).astype(float) if units else np.zeros((0, 0))
    if np.linalg.matrix_rank(matrix) < len(coefficients):
        return None
    return np.asarray(np.linalg.pinv(matrix.T) @ coefficients)
