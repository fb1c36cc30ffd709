"""The mean face at rest, with the proportions of faces in photographs."""

import numpy as np
from population import Population
from scipy.interpolate import RBFInterpolator

from keras_3dmmstn.mesh.landmark_sets import MIRROR
from keras_3dmmstn.training.fitting.weak_perspective import first_pose

#: From this yaw on (radians) the labels of the jaw lie on the apparent contour, not on the jaw.
TURNED = np.radians(12)
# Lips are closed when they are this near to each other, in distances of the outer eye corners.
_CLOSED = 0.02


def face_at_rest(mean: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Returns from where to where landmarks go, x and y, to lie as in photographs of faces at rest.

    Args:
        mean: `(68, 3)` landmarks of the mean face.
        points: `(n, 68, 2)` labels; those of unturned faces with closed lips count.
    """
    eyes = np.linalg.norm(points[:, 36] - points[:, 45], axis=1)
    closed = np.linalg.norm(points[:, 62] - points[:, 66], axis=1) < _CLOSED * eyes
    found = []
    for labels in points[closed]:
        rotation, scale, shift = first_pose(mean, labels)
        if abs(np.arctan2(-rotation[0, 2], rotation[2, 2])) < TURNED:
            offset = (labels - shift) / scale - (mean @ rotation.T)[:, :2]
            found.append(offset @ rotation[:2, :2])
    displacements = np.median(found, axis=0)
    displacements = (displacements + displacements[MIRROR["ibug68"]] * [-1, 1]) / 2
    for upper_and_lower in ([61, 67], [62, 66], [63, 65]):
        displacements[upper_and_lower] = displacements[upper_and_lower].mean(axis=0)
    return displacements


def displaced(population: Population, displacements: np.ndarray) -> np.ndarray:
    """Returns the mean face `(N, 3)`, smoothly warped as landmarks are displaced `(68, 2)`."""
    places = population.mean[population.landmarks["ibug68"]]
    _, distinct = np.unique(places.round(3), axis=0, return_index=True)
    warp = RBFInterpolator(
        places[distinct], displacements[distinct], kernel="thin_plate_spline", smoothing=3.0
    )
    moved = warp(population.mean)
    moved = (moved + moved[population.surface.mirror] * [-1, 1]) / 2
    return population.mean + np.pad(moved, [(0, 0), (0, 1)])
