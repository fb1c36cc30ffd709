"""The face model that a training refined, for use outside the network."""

from dataclasses import replace

import keras
import numpy as np
from scipy.ndimage import gaussian_filter

from keras_3dmmstn.mesh import GridModel

# Where the Gaussian of the nearest vertex that moved is this share of its peak, half of the
# movement is left: about three standard deviations away.
_FADING = 0.01


def refined_grid_model(
    model: keras.Model,
    grid_model: GridModel,
    smoothness: float = 0.0,
    symmetric: bool = False,
) -> GridModel:
    """Returns the face model of a network whose `MorphableModel` was trained.

        model.get_layer("morphable_model").trainable = True  # before `compile`

    A landmark loss moves those vertices alone that are landmarks, and leaves them as spikes.
    `smoothness` spreads what they moved by over the surface around them,

        Δ = G ∗ (m d) / (G ∗ m + 0.01 G(0)),

    for the movement d of mean and modes, m = 1 where a vertex moved and 0 elsewhere, and a
    Gaussian G on the grid. Far from all that moved it fades away; where all vertices moved it
    smooths. A loss on textures moves all vertices, each by little that its neighbours share, so
    that what the landmarks moved beyond that, d − Δ, is spread once more, from them alone.

    `symmetric` keeps the symmetry of the face model. Labels lie a little to one side, and a face
    model that learns from them would, too. With P the reflection of a movement, the mean moves by
    (d + P d) / 2, and a mode that was its own reflection, or the opposite of it, stays so.

    Args:
        model: a network of `spatial_transformer`.
        grid_model: the face model that it was built with.
        smoothness: standard deviation of G in cells of the grid; 0 takes the model as it was
            trained.
        symmetric: whether the movement is made symmetric.

    Returns:
        A `GridModel` for `save`, or `Normaliser(localiser, grid_model)`.

    Raises:
        ValueError: if `model` has no morphable model, one of another size or without its data,
            `smoothness` is negative, or a symmetric movement is asked for of a face model that is
            not symmetric.
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
    if smoothness:
        chosen = _landmark_vertices(model, len(given[0]))
        trained = given + _smooth(trained - given, chosen, grid_model.grid_shape, smoothness)
    if symmetric:
        trained = given + _symmetric(trained - given, given, grid_model.mirror)
    return replace(grid_model, mean=trained[0], basis=trained[1:])


def is_symmetric(grid_model: GridModel) -> bool:
    """Returns whether the mean of a face model is its own reflection, to a thousandth."""
    mean = grid_model.mean
    farthest = np.abs(mean[grid_model.mirror] * [-1, 1, 1] - mean).max()
    return farthest <= 1e-3 * np.ptp(mean, axis=0).max()


def _symmetric(moved_by, given, mirror):
    """Returns movements `(1 + modes, N, 3)` whose reflections are as those of mean and modes."""
    reflected, mirrored = (part[:, mirror] * [-1, 1, 1] for part in (moved_by, given))
    same = (given * mirrored).sum(axis=(1, 2), keepdims=True) >= 0  # or the opposite
    return (moved_by + np.where(same, reflected, -reflected)) / 2


def _landmark_vertices(model, count):
    """Returns which of the vertices `(count,)` are landmarks, or may be on the contour."""
    layer, chosen = model.get_layer("landmarks"), np.zeros(count, bool)
    chosen[list(layer.indices)] = True
    chosen[np.ravel(getattr(layer, "lines", [])).astype(int)] = True
    return chosen


def _smooth(moved_by, is_landmark, grid_shape, deviation):
    """Returns movements `(1 + modes, N, 3)` as a smooth surface has them."""
    moved = (moved_by != 0).any(axis=(0, 2))
    smooth = _spread(moved_by, moved, grid_shape, deviation)
    landmarks = moved & is_landmark
    if landmarks.any() and (moved & ~is_landmark).any():
        beyond = np.where(landmarks[:, None], moved_by - smooth, 0)
        smooth += _spread(beyond, landmarks, grid_shape, deviation)
    return smooth


def _spread(moved_by, moved, grid_shape, deviation):
    """Returns movements `(1 + modes, N, 3)` of the vertices that `moved`, spread over the grid."""

    def blurred(values):
        on_grid = values.astype(np.float64).reshape(*grid_shape)
        return gaussian_filter(on_grid, deviation, mode="nearest", truncate=6.0).ravel()

    weight = blurred(moved) + _FADING / (2 * np.pi * deviation**2)
    spread = np.empty_like(moved_by)
    for mode, axis in np.ndindex(len(moved_by), 3):
        spread[mode, :, axis] = blurred(moved_by[mode, :, axis]) / weight
    return spread
