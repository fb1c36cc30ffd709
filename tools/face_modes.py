"""Aligns sampled faces and computes their principal modes."""

import numpy as np


def align(shapes: np.ndarray, rounds: int = 3) -> np.ndarray:
    """Removes translation, rotation and scale from shapes: generalised Procrustes analysis.

    All three are parameters of the fit, so no mode should spend itself on them.

    Args:
        shapes: `(samples, N, 3)`.
        rounds: how often the mean is estimated anew.

    Returns:
        `(samples, N, 3)` aligned to their mean, which keeps the first estimate's size and pose.
    """
    reference = shapes.mean(axis=0)
    size, centre = np.linalg.norm(reference - reference.mean(axis=0)), reference.mean(axis=0)
    for _ in range(rounds):
        target = reference - reference.mean(axis=0)
        target *= size / np.linalg.norm(target)
        shapes = np.stack([_aligned(shape, target) for shape in shapes])
        reference = shapes.mean(axis=0)
    return shapes + centre


def _aligned(shape, target):
    """Returns `shape` `(N, 3)` moved onto the centred `target` by a similarity."""
    centred = shape - shape.mean(axis=0)
    u, singular, vt = np.linalg.svd(centred.T @ target)
    flip = np.sign(np.linalg.det(u @ vt))
    singular[-1] *= flip
    u[:, -1] *= flip
    return (singular.sum() / (centred**2).sum()) * centred @ (u @ vt)


def principal_modes(displacements: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Finds the modes of most energy, each scaled to unit-variance coefficients.

    Args:
        displacements: `(samples, N, 3)` from the point that coefficients 0 stand for.
        weights: `(N,)` how much a vertex counts: the energy is Σ w |displacement|².
        count: how many modes.

    Returns:
        `(count, N, 3)`, most energy first; each moves the vertices it moves most, taken together,
        towards positive coordinates, so that signs do not depend on the linear algebra at hand.
    """
    return _with_energies(displacements, weights, count)[0]


def symmetric_modes(
    displacements: np.ndarray, weights: np.ndarray, mirror: np.ndarray, count: int
) -> np.ndarray:
    """Finds modes as `principal_modes` does for the samples and their mirror images together.

    Each mode of such a population is either symmetric or antisymmetric; the two kinds are
    found apart, so that they are so exactly.

    Args:
        displacements: `(samples, N, 3)`.
        weights: `(N,)` how much a vertex counts, mirror symmetric.
        mirror: `(N,)` mirror image of each vertex.
        count: how many modes.

    Returns:
        `(count, N, 3)` modes, most energy first.
    """
    mirrored = displacements[:, mirror] * np.array([-1, 1, 1], displacements.dtype)
    even_modes, even = _with_energies((displacements + mirrored) / 2, weights, count)
    odd_modes, odd = _with_energies((displacements - mirrored) / 2, weights, count)
    largest = np.argsort(-np.concatenate([even, odd]), kind="stable")[:count]
    return np.concatenate([even_modes, odd_modes])[largest]


def _with_energies(displacements, weights, count):
    """Returns modes `(count, N, 3)` and how much energy each has."""
    samples = len(displacements)
    flat = displacements.reshape(samples, -1)
    scaled = flat * np.repeat(np.sqrt(weights), 3).astype(flat.dtype)
    energies, mixtures = np.linalg.eigh((scaled @ scaled.T).astype(np.float64) / samples)
    largest = np.argsort(energies)[::-1][:count]
    # The mixture of samples that has unit length in shape space, times its deviation.
    modes = (mixtures[:, largest].T @ flat) / np.sqrt(samples)
    modes *= np.where((modes**3).sum(axis=1, keepdims=True) < 0, -1, 1)
    return modes.reshape(-1, *displacements.shape[1:]), energies[largest]
