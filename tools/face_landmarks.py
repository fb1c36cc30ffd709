"""Places the landmark sets on the face surface."""

from dataclasses import replace

import igl
import numpy as np
import scipy.sparse
from face_surface import FaceSurface

from keras_3dmmstn.mesh.landmark_sets import MIRROR

# Points on the average adult, in millimetres from the middle between the eyes at an
# interpupillary distance of 63 mm: x right, y down, z away. The image-left half and the
# symmetry line are listed; the other half is the mirror image.
_IBUG68 = {
    0: (-71.5, -0.6, 49.0), 1: (-71.9, 17.8, 54.9), 2: (-69.4, 36.2, 54.5), 3: (-65.2, 53.9, 52.1),
    4: (-60.0, 72.2, 44.8), 5: (-51.9, 87.7, 33.7), 6: (-38.0, 99.9, 11.9),
    7: (-20.4, 110.6, -3.1), 8: (0.0, 114.3, -7.5),
    17: (-61.3, -13.6, 9.4), 18: (-52.7, -21.5, -5.3), 19: (-39.4, -24.6, -17.7),
    20: (-26.2, -23.2, -23.9), 21: (-13.4, -19.0, -25.9),
    27: (0.0, -2.8, -23.6), 28: (0.0, 10.2, -26.5), 29: (0.0, 22.4, -34.5), 30: (0.0, 35.2, -42.6),
    31: (-14.2, 44.9, -26.0), 32: (-6.8, 47.5, -30.5), 33: (0.0, 49.9, -32.3),
    36: (-44.9, 0.6, -8.1), 37: (-37.0, -3.8, -16.1), 38: (-26.0, -3.3, -16.7),
    39: (-17.0, 3.0, -13.3), 40: (-26.6, 6.1, -15.1), 41: (-37.3, 5.9, -14.2),
    48: (-26.2, 70.3, -20.9), 49: (-17.2, 64.2, -29.2), 50: (-7.4, 61.7, -34.8),
    51: (0.0, 63.7, -35.9), 57: (0.0, 82.9, -30.2), 58: (-7.8, 82.3, -29.3),
    59: (-17.9, 78.9, -25.2),
    60: (-22.5, 70.5, -18.1), 61: (-7.4, 70.0, -26.3), 62: (0.0, 70.7, -26.9),
    66: (0.0, 70.9, -29.1), 67: (-7.3, 70.5, -27.8),
}  # fmt: skip
_AFLW21 = {
    0: (-59.7, -14.0, 5.1), 1: (-39.0, -21.5, -18.8), 2: (-15.8, -17.5, -25.5),
    6: (-44.9, 0.6, -8.1), 8: (-17.0, 3.0, -13.3),
    12: (-71.0, 47.8, 64.1), 13: (-16.4, 44.2, -24.6), 14: (0.0, 35.2, -42.6),
    17: (-26.2, 70.3, -20.9), 18: (0.0, 70.7, -26.9), 20: (0.0, 110.5, -17.5),
}  # fmt: skip
# The middles of the eyes are not on the skin, but on the caps that close them.
_AFLW21_PUPILS = (7, 10)


def place_landmarks(
    surface: FaceSurface, vertices: np.ndarray
) -> tuple[FaceSurface, dict[str, np.ndarray]]:
    """Moves vertices of the surface, within a triangle, to where the landmarks are.

    Args:
        surface: the face surface.
        vertices: `(N, 3)` its vertices on the average adult, in the frame of the points above.

    Returns:
        surface: the same with the weights of the landmarks' vertices changed.
        landmarks: the vertex indices of `ibug68` and `aflw21`, mirror symmetric.
    """
    place_of_vertex: dict[int, tuple] = {}
    landmarks = {
        name: _place(points, MIRROR[name], surface, vertices, place_of_vertex)
        for name, points in (("ibug68", _IBUG68), ("aflw21", _AFLW21))
    }
    landmarks["aflw21"][list(_AFLW21_PUPILS)] = surface.pupils
    rows = scipy.sparse.lil_array(scipy.sparse.eye_array(len(vertices)))
    for vertex, (corners, shares) in place_of_vertex.items():
        for image in (np.arange(len(vertices)), surface.mirror):
            rows[image[vertex], image[vertex]] = 0
            rows[image[vertex], image[corners]] = shares
    return replace(surface, weights=rows.tocsr() @ surface.weights), landmarks


def _place(points, landmark_mirror, surface, vertices, place_of_vertex):
    """Returns the vertices of one landmark set, its right half mirrored from the left."""
    mirror, skin = surface.mirror, surface.triangles[: surface.skin_count]
    left = skin[vertices[skin, 0].max(axis=1) < 1e-6]
    keys, targets = list(points), np.array(list(points.values()))
    _, faces, nearest = igl.point_mesh_squared_distance(targets, vertices, left)
    landmarks = np.full(len(landmark_mirror), -1)
    for landmark, face, place in zip(keys, faces, nearest, strict=True):
        corners = left[face]
        a, b, c = vertices[corners][:, None]
        shares = np.clip(igl.barycentric_coordinates(place[None], a, b, c)[0], 0, 1)
        if landmark_mirror[landmark] == landmark:
            # Keep to the symmetry line, where the point is but for rounding.
            shares[mirror[corners] != corners] = 0
        shares /= shares.sum()
        vertex = _free_vertex(corners, shares, place_of_vertex)
        if vertex is None:
            raise ValueError(f"No vertex is free for landmark {landmark} among {corners}.")
        place_of_vertex[vertex] = (corners, shares)
        landmarks[landmark], landmarks[landmark_mirror[landmark]] = vertex, mirror[vertex]
    return landmarks


def _free_vertex(corners, shares, place_of_vertex):
    """Returns the corner nearest to a place that no landmark has moved elsewhere, or None."""
    for vertex in corners[np.argsort(-shares)]:
        if np.allclose(place_of_vertex.get(vertex, (corners, shares))[1], shares, atol=1e-6):
            return vertex
    return None
