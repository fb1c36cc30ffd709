"""Principal modes of the sampled faces: identity about the mean, expression about neutral."""

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


def principal_modes(displacements: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Finds the orthogonal modes of most energy, each scaled to unit-variance coefficients.

    Args:
        displacements: `(samples, N, 3)` from the point that coefficients 0 stand for.
        count: how many modes.

    Returns:
        modes: `(count, N, 3)`, most energy first.
        energies: `(count,)` mean squared displacement, summed over the vertices, of each.
    """
    samples = len(displacements)
    flat = displacements.reshape(samples, -1)
    energies, mixtures = np.linalg.eigh(flat @ flat.T / samples)
    largest = np.argsort(energies)[::-1][:count]
    # The mixture of samples that has unit length in shape space, times its deviation.
    modes = (mixtures[:, largest].T @ flat) / np.sqrt(samples)
    return modes.reshape(count, *displacements.shape[1:]), energies[largest]


def symmetric_modes(displacements: np.ndarray, mirror: np.ndarray, count: int) -> np.ndarray:
    """Finds modes as `principal_modes` does for the samples and their mirror images together.

    Each mode of such a population is either symmetric or antisymmetric; the two kinds are
    found apart, so that they are so exactly.

    Args:
        displacements: `(samples, N, 3)`.
        mirror: `(N,)` mirror image of each vertex.
        count: how many modes.

    Returns:
        `(count, N, 3)` modes, most energy first.
    """
    mirrored = displacements[:, mirror] * np.array([-1, 1, 1], displacements.dtype)
    even_modes, even = principal_modes((displacements + mirrored) / 2, count)
    odd_modes, odd = principal_modes((displacements - mirrored) / 2, count)
    largest = np.argsort(-np.concatenate([even, odd]), kind="stable")[:count]
    return np.concatenate([even_modes, odd_modes])[largest]
