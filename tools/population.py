"""The faces that MakeHuman can make: a mean, modes of identity and units of expression."""

from dataclasses import dataclass

import igl
import numpy as np
from characters import Characters, average_adult
from expressions import Expressions
from face_landmarks import place_landmarks
from face_modes import align, principal_modes
from face_surface import FaceSurface, cut_face
from makehuman import MakeHuman

# Modes of identity that are kept for the statistics of real faces to choose from.
IDENTITY_MODES = 80
SAMPLES, EXPRESSION_SAMPLES = 2000, 4000
SEED = 20170923
INTERPUPILLARY_DISTANCE = 63.0  # mm, the mean of adults
EYE_RADIUS = 14.5  # mm: the origin is between the eyeballs' centres, behind the pupils


@dataclass(frozen=True)
class Population:
    """Faces as mean + Σ a_k identity_k + Σ e_u units_u, in the face model's frame.

    Attributes:
        surface: the face surface.
        landmarks: set name to vertices.
        mean: `(N, 3)` the mean adult at rest, mirror symmetric, millimetres.
        identity: `(80, N, 3)` symmetric modes; a ~ N(0, I) among MakeHuman's characters.
        units: `(U, N, 3)` face units.
        unit_names: of the units.
        mirrored_units: `(U,)` which unit is each one's mirror image.
        strengths: `(samples, U)` e of random expressions.
        vertex_weights: `(N,)` how much a vertex counts in principal modes: half of the weight is
            the surface's area, half the landmarks'.
    """

    surface: FaceSurface
    landmarks: dict[str, np.ndarray]
    mean: np.ndarray
    identity: np.ndarray
    units: np.ndarray
    unit_names: list[str]
    mirrored_units: np.ndarray
    strengths: np.ndarray
    vertex_weights: np.ndarray


def sample_population(makehuman: MakeHuman) -> Population:
    """Draws characters and expressions, seeded, and finds what varies."""
    rng = np.random.default_rng(SEED)
    base_adult = average_adult(makehuman)
    surface = cut_face(base_adult, makehuman.quads, makehuman.mirror)
    average, _ = in_model_frame(surface.weights @ base_adult, surface.pupils)
    surface, landmarks = place_landmarks(surface, average)

    characters = Characters(makehuman, surface.weights, surface.mirror)
    faces = align(np.stack([characters.sample(rng) for _ in range(SAMPLES)]).astype(np.float32))
    mean = faces.mean(axis=0, dtype=np.float64)
    faces -= mean.astype(np.float32)
    mean = (mean + mean[surface.mirror] * [-1, 1, 1]) / 2
    mean, scale = in_model_frame(mean, surface.pupils)
    weights = _vertex_weights(mean, surface, landmarks["ibug68"])
    identity = principal_modes(faces * np.float32(scale), weights, IDENTITY_MODES)
    identity = (identity + identity[:, surface.mirror] * [-1, 1, 1]) / 2

    expressions = Expressions(makehuman, surface.weights, surface.mirror)
    strengths = np.stack([expressions.sample(rng) for _ in range(EXPRESSION_SAMPLES)])
    return Population(
        surface, landmarks, mean, identity, expressions.units * scale,
        expressions.names, expressions.mirrored, strengths, weights,
    )  # fmt: skip


def in_model_frame(vertices, pupils):
    """Returns `vertices` `(N, 3)` with a human's size and origin, and the scale that took."""
    left, right = vertices[pupils]
    scale = INTERPUPILLARY_DISTANCE / np.linalg.norm(right - left)
    return (vertices - (left + right) / 2) * scale - [0, 0, EYE_RADIUS], scale


def _vertex_weights(mean, surface, landmarks):
    weights = np.zeros(len(mean))
    area = igl.doublearea(mean, surface.triangles)[:, None]
    np.add.at(weights, surface.triangles, area)
    weights /= 2 * weights.sum()
    weights[landmarks] += 0.5 / len(landmarks)
    return (weights + weights[surface.mirror]) / 2
