"""Lays the face out in texture space: least distortion, with more room for eyes, nose and mouth."""

import numpy as np
from population import Population
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.flattening.flatten import flatten_symmetric
from keras_3dmmstn.mesh.flattening.least_distortion import flatten_least_distorted

# The face that is laid out has its mouth a little open, for what is between the lips to have room.
_PARTED = {
    "jawOpen": 0.07, "mouthUpperUpLeft": 0.05, "mouthUpperUpRight": 0.05,
    "mouthLowerDownLeft": 0.05, "mouthLowerDownRight": 0.05,
}  # fmt: skip
# Lengths grow by 1 + Σ gain exp(−(distance / radius)²), distances in millimetres from the vertices
# of regions and landmarks of ibug68.
_MAGNIFIED = (
    (("left_eye", "right_eye"), (), 0.6, 12.0),
    (("mouth",), range(48, 60), 0.55, 15.0),
    (("mouth",), (), -1.15, 1.0),
    ((), (33,), 0.25, 60.0),
    ((), range(27, 36), -0.35, 15.0),
)
# What the flattening of the nostrils' caps counts, relative to the rest.
_CAP_WEIGHT = 0.1
# Where the flattening begins: with nose and mouth not too crowded.
_EVENNESS = 0.5
_ITERATIONS = 200


def lay_out(population: Population, mean: np.ndarray, regions: dict[str, np.ndarray]) -> np.ndarray:
    """Flattens the mean face `(N, 3)` of a population.

    Returns:
        `(N, 2)` coordinates (u, v) in the unit square, mirror symmetric.
    """
    surface = population.surface
    strengths = np.array([_PARTED.get(name, 0.0) for name in population.unit_names])
    face = mean + np.tensordot(strengths, population.units, 1)
    face[:, 2] -= surface.recess  # as wide as the lips are parted, not as deep as the cap
    weights, magnification = np.ones(len(mean)), np.ones(len(mean))
    for name in ("left_nostril", "right_nostril"):
        weights[regions[name]] = _CAP_WEIGHT
    for names, points, gain, radius in _MAGNIFIED:
        landmarks = population.landmarks["ibug68"][list(points)]
        near = np.concatenate([*(regions[name] for name in names), landmarks])
        distance, _ = cKDTree(mean[near]).query(mean)
        magnification += gain * np.exp(-((distance / radius) ** 2))
    start = flatten_symmetric(face, surface.triangles, surface.mirror, _EVENNESS)
    return flatten_least_distorted(
        face, surface.triangles, surface.mirror, magnification, weights, start, _ITERATIONS
    )
