"""Places the 17 jaw points of `ibug68` on a face whose table of landmarks lacks them."""

import numpy as np
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.cutting.holes import boundary_loops

# How far behind the chin the first and last jaw points lie, in outer eye corner distances.
_DEPTH = 0.75
_DIRECTIONS = np.linspace(0, np.pi, 61)
_HALF_WIDTH = np.radians(5)


def jaw_line(
    vertices: np.ndarray, triangles: np.ndarray, chin: int, eye_corners: tuple[int, int]
) -> np.ndarray:
    """Finds vertices for the points 0 to 16 of `ibug68`, at equal distances along the jaw.

    Seen from the side, the jaw points of known models lie close to a quarter of an ellipse that
    runs from the chin, first backwards, up to the height of the eyes:

        z − z_chin = depth · √(1 − t²),    t = (y − y_eyes) / (y_chin − y_eyes).

    The jaw line is the outermost line in which this sheet cuts the surface. Where the surface
    does not reach the sheet, it is the surface's edge.

    Args:
        vertices: `(vertices, 3)` of the mean face, x right, y down, z away from the viewer.
        triangles: `(triangles, 3)` vertex indices.
        chin: the vertex of point 8.
        eye_corners: the vertices of the outer eye corners, points 36 and 45.

    Returns:
        `(17,)` vertex indices, from image-left to image-right; `chin` is the ninth.

    Raises:
        ValueError: if the surface does not reach from the chin up to the height of the eyes, or its
            edge does not consist of loops.
    """
    vertices = np.asarray(vertices, np.float64)
    eyes = vertices[list(eye_corners)].mean(axis=0)
    if not vertices[chin, 1] > eyes[1]:
        raise ValueError("jaw_line expects a chin below the eyes.")
    depth = _DEPTH * np.linalg.norm(vertices[eye_corners[0]] - vertices[eye_corners[1]])
    t = np.clip((vertices[:, 1] - eyes[1]) / (vertices[chin, 1] - eyes[1]), 0, 1)
    height = vertices[:, 2] - vertices[chin, 2] - depth * np.sqrt(1 - t**2)
    edge = np.array([v for loop in boundary_loops(triangles) for v in loop], int)
    cut = np.concatenate(
        [_crossings(vertices, triangles, height), vertices[edge[height[edge] < 0]]]
    )
    across, down = (cut[:, :2] - [vertices[chin, 0], eyes[1]]).T
    # Image-left is 0, the chin a quarter turn, image-right a half turn.
    angle = (np.arctan2(down, -across) + np.pi / 2) % (2 * np.pi) - np.pi / 2
    radius = np.hypot(across, down)

    line = []
    for direction in _DIRECTIONS:
        near = np.flatnonzero(np.abs(angle - direction) < _HALF_WIDTH)
        if not len(near):
            raise ValueError(
                "jaw_line expects a face that reaches from the chin to the height of the eyes, "
                "received one with a gap."
            )
        line.append(cut[near[np.argmax(radius[near])]])
    line[len(line) // 2] = vertices[chin]
    _, found = cKDTree(vertices[np.unique(triangles)]).query(_at_equal_distances(np.array(line)))
    points = np.unique(triangles)[found]
    points[8] = chin
    return points


def _crossings(vertices, triangles, height):
    """Returns the points `(n, 3)` at which the edges pass through height 0."""
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    start, end = np.unique(edges, axis=0).T
    crossing = (height[start] < 0) != (height[end] < 0)
    start, end = start[crossing], end[crossing]
    share = (height[start] / (height[start] - height[end]))[:, None]
    return (1 - share) * vertices[start] + share * vertices[end]


def _at_equal_distances(line):
    """Returns nine points on each half of a line `(n, 3)`; the middle one is shared."""
    middle = len(line) // 2
    points = []
    for half in (line[: middle + 1], line[middle:]):
        length = np.append(0, np.cumsum(np.linalg.norm(np.diff(half, axis=0), axis=1)))
        stops = np.linspace(0, length[-1], 9)
        points.append(np.stack([np.interp(stops, length, column) for column in half.T], axis=1))
    return np.concatenate([points[0], points[1][1:]])
