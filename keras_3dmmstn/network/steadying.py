"""Keeps a trained face model near its former modes and its named expressions."""

from dataclasses import replace

import numpy as np

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.refinement import units_of_basis

# Prior standard deviations: of the movement of a mode, relative to its own displacement, and of the
# movement of a named expression, in millimetres.
_OF_MODES, _OF_EXPRESSIONS = 2.0, 1.0
_MOST_NOISE = 100


def steadied_grid_model(learnt: GridModel, given: GridModel, noise: float = 0.45) -> GridModel:
    """Returns a trained face model without the random part of its modes' movements.

    Training with steps of one size, as with Adam, moves all modes by about the same amount, even
    those that displace a face by only a tenth of a millimetre. Ten deviations of such a mode, with
    which a face closes an eye, then bulge the cheeks and shut the other eye as well. Let mode i
    have moved by d_i, observed with noise of deviation s. As a prior, mode i moves by about twice
    its own displacement r_i, and an expression with coefficients u, Σ u_i d_i, by about τ = 1 mm.
    The posterior mean of the movements is then (Rasmussen and Williams 2006, eq. 2.8)

        Δ = (I + s² P)⁻¹ d,    P = diag(1 / (2 r_i)²) + Σ_u u uᵀ / τ².

    The mean face keeps what it learnt, since all photographs contribute to it. A network that was
    trained with `learnt` must be trained with the result for some epochs.

    Args:
        learnt: the face model after training, as returned by `refined_grid_model`.
        given: the face model before training.
        noise: s, millimetres: the movement of modes that the labels do not determine. 0 keeps all
            movements.

    Returns:
        A `GridModel` whose `expression_units` approximate those of `given` best.

    Raises:
        ValueError: if the two differ in grid or modes, or `noise` is not in 0..100.
    """
    if not 0 <= noise <= _MOST_NOISE:
        raise ValueError(f"Expected a noise of 0 to {_MOST_NOISE} mm, received {noise}.")
    shapes = [(model.grid_shape, model.identity_count, model.modes) for model in (learnt, given)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "steadied_grid_model expects two face models of one grid and the same modes, received "
            + " and ".join(_described(*shape) for shape in shapes)
            + "."
        )
    if not noise:
        return learnt
    moved_by = np.subtract(learnt.basis, given.basis, dtype=float)
    kept = np.linalg.inv(np.eye(given.modes) + noise**2 * _expected(given))
    basis = (given.basis + np.tensordot(kept, moved_by, axes=1)).astype(np.float32)
    landmarks = np.concatenate([*given.landmarks.values(), np.zeros(0, np.int32)])
    units = units_of_basis(given, basis, landmarks)
    return replace(learnt, basis=basis, expression_units=units)


def _expected(given):
    """Returns P `(modes, modes)`, 1 / mm²."""
    displacement = np.sqrt((given.basis.astype(float) ** 2).sum(axis=-1).mean(axis=-1))
    # A mode without displacement stays as it is.
    precision = np.diag(1 / (_OF_MODES * np.maximum(displacement, 1e-6)) ** 2)
    for unit in given.expression_units.values():
        precision[given.identity_count :, given.identity_count :] += (
            np.outer(unit, unit).astype(float) / _OF_EXPRESSIONS**2
        )
    return precision


def _described(grid_shape, identity_count, modes):
    """Describes a face model's size."""
    rows, columns = grid_shape
    return f"{rows} x {columns} vertices with {identity_count} of {modes} modes of identity"
