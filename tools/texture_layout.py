"""Lays the face out in texture space: least distortion, with more room for eyes, nose and mouth."""

import numpy as np
from population import Population
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.flattening.emphasis import feature_magnification
from keras_3dmmstn.mesh.flattening.flatten import flatten_symmetric
from keras_3dmmstn.mesh.flattening.least_distortion import flatten_least_distorted

# The face that is laid out has its mouth a little open, for what is between the lips to have room:
# as much as the teeth of a broad smile need.
_PARTED = {
    "jawOpen": 0.21, "mouthUpperUpLeft": 0.16, "mouthUpperUpRight": 0.16,
    "mouthLowerDownLeft": 0.16, "mouthLowerDownRight": 0.16,
}  # fmt: skip
# Its lengths shrink so far that closed lips do not look parted.
_MOUTH_INSIDE, _MOUTH_REACH = 0.5, 1.0
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
    weights = np.ones(len(mean))
    for name in ("left_nostril", "right_nostril"):
        weights[regions[name]] = _CAP_WEIGHT
    magnification = feature_magnification(mean, population.landmarks["ibug68"])
    distance, _ = cKDTree(mean[regions["mouth"]]).query(mean)
    magnification -= _MOUTH_INSIDE * np.exp(-((distance / _MOUTH_REACH) ** 2))
    start = flatten_symmetric(face, surface.triangles, surface.mirror, _EVENNESS)
    return flatten_least_distorted(
        face, surface.triangles, surface.mirror, magnification, weights, start, _ITERATIONS
    )
