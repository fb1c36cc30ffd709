"""The face model as refined by training, for use outside the network."""

from dataclasses import replace

import keras
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.expression_units import expression_units

# Width and variance of the finer of two Gaussians, relative to the coarser, and the variance of the
# noise in the learnt movements of landmarks.
_FINE, _FINE_VARIANCE, _NOISE = 0.4, 0.1, 0.05
# Averages of constant weights differ by rounding, by far less than this share of the largest
# movement.
_STILL = 1e-3


def refined_grid_model(
    model: keras.Model,
    grid_model: GridModel,
    smoothness: float = 0.0,
    symmetric: bool = False,
) -> GridModel:
    """Returns the face model of a network whose `MorphableModel` was trained.

        model.get_layer("morphable_model").trainable = True  # before `compile`

    A landmark loss moves only the vertices that are landmarks, and leaves them as spikes.
    `smoothness` spreads their movements over the surface around them: for the movements d of
    mean and modes at the landmarks q, those of vertices p are

        Δ(p) = K(p, q) (K(q, q) + 0.05 I)⁻¹ d,
        K(a, b) = exp(-|a - b|² / 2 ℓ²) + 0.1 exp(-|a - b|² / 2 (0.4 ℓ)²),

    with distances on the grid and ℓ = `smoothness`. This is the mean of a Gaussian process observed
    with noise (Rasmussen and Williams 2006, eq. 2.23; Lüthi et al. 2018 use such processes as
    models of shape). It fades away far from all landmarks. A loss on textures moves all vertices.
    Then their movements are first smoothed by a Gaussian of `smoothness`, and Δ is computed from
    what the landmarks moved by beyond that.

    `expression_units` become the coefficients that come nearest to the movements that they named
    before; landmarks have half of the weight.

    `symmetric` keeps the symmetry of the face model. Labels are biased a little to one side, and a
    face model that learns from them would be too. With P the reflection of a movement, the mean
    moves by (d + P d) / 2, and a mode that was its own reflection, or its negative, stays so.

    Args:
        model: a network from `spatial_transformer`.
        grid_model: the face model that it was built with.
        smoothness: ℓ in cells of the grid, for example 20 for the bundled face model; 0 takes the
            model as trained.
        symmetric: whether to make the movement symmetric.

    Returns:
        A `GridModel` for `save`, or `Normaliser(localiser, grid_model)`.

    Raises:
        ValueError: if `model` has no morphable model, or one of a different size or without its
            data; `smoothness` is negative; or `symmetric` is True for a face model that is not
            symmetric.
    """
    if not smoothness >= 0:
        raise ValueError(f"Expected a smoothness of at least 0, received {smoothness}.")
    if symmetric and not is_symmetric(grid_model):
        raise ValueError(
            "refined_grid_model expects a face model whose mean is its own reflection for a "
            "symmetric movement, received another."
        )
    names = [layer.name for layer in model.layers]
    if "morphable_model" not in names:
        raise ValueError(
            "refined_grid_model expects a network with a layer named morphable_model, received "
            f"one with {', '.join(names)}."
        )
    mean, basis = (tensor.numpy() for tensor in model.get_layer("morphable_model").data())
    trained = np.concatenate([mean[None], basis])
    given = np.concatenate([grid_model.mean[None], grid_model.basis])
    if trained.shape != given.shape:
        raise ValueError(
            f"refined_grid_model expects the face model that the network was built with, "
            f"{len(trained) - 1} modes of {trained.shape[1]} vertices, received one with "
            f"{grid_model.modes} modes of {given.shape[1]}."
        )
    is_landmark = _landmark_vertices(model, len(given[0]))
    if smoothness:
        moved_by = _smooth(trained - given, is_landmark, grid_model.grid_shape, smoothness)
        trained = given + moved_by
    if symmetric:
        trained = given + _symmetric(trained - given, given, grid_model.mirror)
    indices = list(model.get_layer("landmarks").indices)
    units = units_of_basis(grid_model, trained[1:], indices)
    return replace(grid_model, mean=trained[0], basis=trained[1:], expression_units=units)


def units_of_basis(
    grid_model: GridModel, basis: np.ndarray, landmarks: list[int] | np.ndarray
) -> dict[str, np.ndarray]:
    """Returns the best approximation of a face model's named expressions in another basis.

    Args:
        grid_model: the face model, with `expression_units`.
        basis: `(modes, N, 3)`, with the same number of modes.
        landmarks: vertices that share half of the weight; the others share the other half.
    """
    names, count = list(grid_model.expression_units), grid_model.identity_count
    if not names or np.array_equal(basis, grid_model.basis):
        return grid_model.expression_units
    shares = np.full(basis.shape[1], 1 / basis.shape[1])
    if len(landmarks):
        shares += np.bincount(landmarks, minlength=len(shares)) / len(landmarks)
    roots = np.sqrt(shares / shares.sum())[:, None]
    before, after = (modes[count:] * roots for modes in (grid_model.basis, basis))
    coefficients = np.stack(list(grid_model.expression_units.values()))
    return expression_units(names, np.tensordot(coefficients, before, axes=1), after)


def is_symmetric(grid_model: GridModel) -> bool:
    """Returns whether the mean of a face model is its own reflection, to a thousandth."""
    mean = grid_model.mean
    farthest = np.abs(mean[grid_model.mirror] * [-1, 1, 1] - mean).max()
    return farthest <= 1e-3 * np.ptp(mean, axis=0).max()


def _symmetric(moved_by, given, mirror):
    """Returns movements `(1 + modes, N, 3)` with the same symmetry as the mean and the modes."""
    reflected, mirrored = (part[:, mirror] * [-1, 1, 1] for part in (moved_by, given))
    same = (given * mirrored).sum(axis=(1, 2), keepdims=True) >= 0  # or the opposite
    return (moved_by + np.where(same, reflected, -reflected)) / 2


def _landmark_vertices(model, count):
    """Returns `(count,)` bool, which vertices are landmarks, or may be on the contour."""
    layer, chosen = model.get_layer("landmarks"), np.zeros(count, bool)
    chosen[list(layer.indices)] = True
    chosen[np.ravel(getattr(layer, "lines", [])).astype(int)] = True
    return chosen


def _smooth(moved_by, is_landmark, grid_shape, length):
    """Returns movements `(1 + modes, N, 3)`, smoothed over the surface."""
    farthest = np.abs(moved_by).max(axis=(0, 2))
    moved = farthest > _STILL * farthest.max()
    landmarks, smooth = moved & is_landmark, np.zeros_like(moved_by)
    if (moved & ~is_landmark).any():
        on_grid = (moved_by * moved[:, None]).reshape(len(moved_by), *grid_shape, 3)
        smooth = gaussian_filter(on_grid, length, mode="nearest", axes=(1, 2))
        smooth = smooth.reshape(moved_by.shape)
    if landmarks.any():
        smooth += _spread(moved_by - smooth, landmarks, grid_shape, length)
    return smooth


def _spread(moved_by, landmarks, grid_shape, length):
    """Returns movements `(1 + modes, N, 3)` of the landmarks, spread over the grid."""
    places = np.stack(np.unravel_index(np.arange(len(landmarks)), grid_shape), axis=1)
    covariance = _covariance(places, places[landmarks], length)
    seen = covariance[landmarks] + _NOISE * np.eye(int(landmarks.sum()))
    weights = np.linalg.solve(seen, covariance.T).T
    return np.einsum("pq,mqc->mpc", weights, moved_by[:, landmarks], optimize=True)


def _covariance(first, second, length):
    """Returns K for places `(n, 2)` and `(m, 2)` on the grid, `(n, m)`."""
    squares = cdist(first, second, "sqeuclidean") / length**2
    return np.exp(-squares / 2) + _FINE_VARIANCE * np.exp(-squares / (2 * _FINE**2))
