"""Blend shapes (offsets with activations from 0 to 1) as unit-variance modes."""

import numpy as np


def modes_from_blendshapes(
    offsets: np.ndarray, covariance: np.ndarray, region: np.ndarray | slice = slice(None)
) -> np.ndarray:
    """Turns blend shapes into the principal modes of a distribution of their activations.

    With offsets E (one per row) and activations a ~ N(0, C), C = L Lᵀ, the deformation
    aᵀ E has the modes Uᵀ Lᵀ E, where Lᵀ E = U S Vᵀ over `region`. So α ~ N(0, I) gives the same
    deformations as a ~ N(0, C), the first modes move `region` most, and all modes together span
    all blend shapes. The neutral face stays at α = 0. The sign of a mode is that of its
    strongest activation.

    Args:
        offsets: `(shapes, vertices, 3)`, the deformation at full activation.
        covariance: `(shapes, shapes)` C, of activations about the neutral face.
        region: the vertices that determine the order and the rotation of the modes.

    Returns:
        `(shapes, vertices, 3)` modes, the most important first.
    """
    if not len(offsets):
        return offsets
    factor = np.linalg.cholesky(covariance)  # L
    scaled = np.tensordot(factor.T, offsets, 1)
    rows = scaled[:, region].reshape(len(offsets), -1).astype(np.float64)
    # U comes from the small Gram matrix: there are few rows and many columns.
    _, rotation = np.linalg.eigh(rows @ rows.T)
    rotation = rotation[:, ::-1]
    activations = factor @ rotation  # (shapes, modes)
    strongest = np.abs(activations).argmax(axis=0)
    rotation = rotation * np.sign(activations[strongest, np.arange(len(offsets))])
    return np.tensordot(rotation.T, scaled, 1)
