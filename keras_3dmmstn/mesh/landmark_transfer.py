"""Transfers landmarks between face models: similarity alignment and closest points."""

import dataclasses

import igl
import numpy as np

from keras_3dmmstn.mesh.cutting.face_region import nose_tip
from keras_3dmmstn.mesh.cutting.trimming import component_around
from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.shape_model import ShapeModel

# Rounds of closest points, and the share of the points, the closest ones, that each round uses.
_ROUNDS, _CLOSEST_SHARE = 30, 0.8
# How many points of the source are aligned.
_ALIGNED_POINTS = 1000


def transfer_landmarks(source: ShapeModel | GridModel, target: ShapeModel) -> ShapeModel:
    """Gives a model the landmarks that it lacks and another model has.

    The source's mean face is aligned to the target's by a similarity: by the landmarks that both
    have or, if there are none, by iterative closest points that start at the tips of the noses and
    use the nearest 80 %. Each landmark goes to the vertex nearest to the closest point of the
    target's surface.

    Args:
        source: a face with landmarks.
        target: a head or face, in the same frame and about the same unit.

    Returns:
        The target with the source's landmark sets in addition to its own.

    Raises:
        ValueError: if the source has no landmarks.

    Source:
        Besl & McKay 1992; Umeyama 1991.
    """
    if not source.landmarks:
        raise ValueError("transfer_landmarks expects a source with landmarks, received none.")
    vertices = target.mean.astype(np.float64)
    triangles = component_around(target.triangles.astype(np.int64), nose_tip(target))
    common = [name for name in source.landmarks if name in target.landmarks]
    if common:
        here = source.mean[source.landmarks[common[0]]].astype(np.float64)
        scale, rotation, shift = fit_similarity(here, vertices[target.landmarks[common[0]]])
    else:
        scale, rotation, shift = _closest_points(source, vertices, triangles, nose_tip(target))

    landmarks = dict(target.landmarks)
    for name, points in source.landmarks.items():
        if name not in landmarks:
            moved = scale * source.mean[points].astype(np.float64) @ rotation.T + shift
            landmarks[name] = _nearest_vertices(moved, vertices, triangles)
    return dataclasses.replace(target, landmarks=landmarks)


def fit_similarity(points: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Returns scale s, rotation R `(3, 3)` and shift t `(3,)` that minimise Σ |s R x + t − y|².

    Args:
        points, targets: `(N, 3)` corresponding points x and y.

    Source:
        Umeyama 1991, eqs. 40-42.
    """
    centre, target_centre = points.mean(axis=0), targets.mean(axis=0)
    x, y = points - centre, targets - target_centre
    u, singular, v = np.linalg.svd(y.T @ x)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ v))])
    rotation = (u * signs) @ v
    scale = float((singular * signs).sum() / (x**2).sum())
    return scale, rotation, target_centre - scale * rotation @ centre


def _closest_points(source, vertices, triangles, tip):
    """Aligns the source's mean to a surface by closest points, starting with the noses."""
    step = max(1, len(source.mean) // _ALIGNED_POINTS)
    points = source.mean[::step].astype(np.float64)
    scale, rotation = 1.0, np.eye(3)
    shift = vertices[tip] - source.mean[nose_tip(source)]
    for _ in range(_ROUNDS):
        moved = scale * points @ rotation.T + shift
        squared, _, closest = igl.point_mesh_squared_distance(moved, vertices, triangles)
        near = squared <= np.quantile(squared, _CLOSEST_SHARE)
        scale, rotation, shift = fit_similarity(points[near], closest[near])
    return scale, rotation, shift


def _nearest_vertices(points, vertices, triangles):
    """Returns, for each point, the corner nearest to its closest point on the surface."""
    _, face, closest = igl.point_mesh_squared_distance(points, vertices, triangles)
    corners = triangles[face]
    distance = np.linalg.norm(vertices[corners] - closest[:, None], axis=2)
    return np.take_along_axis(corners, distance.argmin(axis=1)[:, None], axis=1)[:, 0]
