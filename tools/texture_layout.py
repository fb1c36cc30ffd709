"""Lays out the face in texture space: least distortion, with more room for eyes, nose and mouth."""

import igl
import numpy as np
from population import Population
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.flattening.emphasis import feature_magnification
from keras_3dmmstn.mesh.flattening.flatten import flatten_symmetric
from keras_3dmmstn.mesh.flattening.least_distortion import flatten_least_distorted

# The face that is laid out has its mouth a little open, for what is between the lips to have room:
# about a quarter of the height of the mouth, its share in the mean photograph of 300-W.
_PARTED = {
    "jawOpen": 0.198, "mouthUpperUpLeft": 0.151, "mouthUpperUpRight": 0.151,
    "mouthLowerDownLeft": 0.151, "mouthLowerDownRight": 0.151,
}  # fmt: skip
# Where lips curl inwards, nearer to the inside of the mouth than this in millimetres, a texture
# shows the same few pixels again and again: lengths shrink there, and count little.
_CURL_REACH, _CURL, _CURL_WEIGHT = 4.5, 1.6, 0.1
# So are they below the lower lip, where the face turns away from the viewer: with many rows there,
# a pout would hide some of them.
_CREASE_REACH, _CREASE = 6.0, 2.5
_LOWER_LIP = range(55, 60)  # points of ibug68: its lower border
# The inside of the mouth is as large as it is.
_INSIDE, _INSIDE_WEIGHT = 1.0, 0.8
# What the flattening of the nostrils' caps counts, relative to the rest.
_CAP_WEIGHT = 0.1
_SHORTEST = 0.05
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
    curl = _curl(face, surface.triangles, mean, regions["mouth"])
    crease = _crease(
        mean, surface.triangles, mean[population.landmarks["ibug68"][list(_LOWER_LIP)]]
    )
    magnification = np.maximum(magnification - _CURL * curl - _CREASE * crease, _SHORTEST)
    weights *= 1 - (1 - _CURL_WEIGHT) * curl
    magnification[regions["mouth"]], weights[regions["mouth"]] = _INSIDE, _INSIDE_WEIGHT
    start = flatten_symmetric(face, surface.triangles, surface.mirror, _EVENNESS)
    return flatten_least_distorted(
        face, surface.triangles, surface.mirror, magnification, weights, start, _ITERATIONS
    )


def _curl(face, triangles, mean, mouth):
    """Returns how much a vertex is of the lips and turned away from the viewer, `(N,)` in 0..1."""
    normals = igl.per_vertex_normals(face, triangles.astype(np.int64))
    distance, _ = cKDTree(mean[mouth]).query(mean)
    near = np.exp(-((distance / _CURL_REACH) ** 2))
    near[mouth] = 0
    return near * (1 - np.clip(-normals[:, 2], 0, 1))


def _crease(mean, triangles, lower_lip):
    """Returns how much a vertex is below the lower lip and turned away, `(N,)` in 0..1."""
    normals = igl.per_vertex_normals(mean, triangles.astype(np.int64))
    distance, _ = cKDTree(lower_lip).query(mean)
    near = np.exp(-((distance / _CREASE_REACH) ** 2)) * (mean[:, 1] > lower_lip[:, 1].max() - 1)
    return near * (1 - np.clip(-normals[:, 2], 0, 1))
