"""More room in the texture for what identifies a person: eyes and mouth, then the middle."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

# Landmarks of ibug68, gain and radius in millimetres: lengths around a vertex grow by
# 1 + Σ gain exp(−(distance to the landmarks / radius)²).
_BUMPS = (
    (range(36, 48), 0.6, 12.0),  # eyes
    (range(48, 60), 0.95, 10.0),  # lips
    ((33,), 0.25, 60.0),  # the middle of the face
    (range(27, 36), -0.45, 15.0),  # the nose, which the middle makes large
)
# At least this, so that lengths stay positive whatever the emphasis.
_SMALLEST = 0.1


def feature_magnification(
    vertices: np.ndarray, ibug68: Sequence[int] | np.ndarray, emphasis: float = 1.0
) -> np.ndarray:
    """Returns the factor by which lengths around each vertex should grow.

    For `flatten_least_distorted(magnification=)`. With an emphasis of 1, an eye of the bundled face
    gets 0.3 of the distance between the outer eye corners, as on the mean face, and the mouth 0.58,
    in a texture in which the middle of the face is larger than its sides.

    Args:
        vertices: `(N, 3)` millimetres.
        ibug68: the 68 vertices of the landmark set.
        emphasis: 0 for none, 1 for that of the bundled face.

    Returns:
        `(N,)` positive numbers.
    """
    magnification = np.ones(len(vertices))
    for points, gain, radius in _BUMPS:
        near = vertices[np.asarray(ibug68)[list(points)]]
        distance, _ = cKDTree(near).query(vertices)
        magnification += emphasis * gain * np.exp(-((distance / radius) ** 2))
    return np.maximum(magnification, _SMALLEST)
