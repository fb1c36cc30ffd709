"""The fitted mesh and its landmarks, drawn on the photograph."""

import cv2
import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.mesh.landmark_sets import IBUG68_LINES

_MESH, _LANDMARKS = (90, 200, 255), (255, 60, 60)
# Mesh lines are drawn about this many pixels apart.
_LINE_DISTANCE = 8
# A picture is enlarged until its smallest face has this many pixels, as long as the whole has no
# more than the second number.
_READABLE_FACE, _LARGEST_PICTURE = 400, 2048
# OpenCV draws at fixed-point coordinates with this many fractional bits.
_FRACTION_BITS = 4


def draw_fit(image: np.ndarray, faces: list[NormalisedFace]) -> np.ndarray:
    """Draws the visible part of the fitted meshes, and the 68 landmarks, on a photograph.

    Args:
        image: `(height, width, 3)` uint8 RGB.
        faces: the faces to draw.

    Returns:
        `(height, width, 3)` uint8 RGB picture, enlarged by a whole number where faces are small.
    """
    zoom = _readable_zoom(image, faces)
    picture = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    for face in faces:
        points = (face.points + 0.5) * zoom - 0.5
        size = _face_size(face) * zoom
        lines = picture.copy()
        _draw_grid(lines, points, face.visible.reshape(face.grid_shape), size)
        picture = cv2.addWeighted(lines, 0.6, picture, 0.4, 0)
        if "ibug68" in face.landmark_indices:
            landmarks = points[face.landmark_indices["ibug68"]]
            _draw_landmarks(picture, landmarks, max(1, round(size / 200)))
    return picture


def _readable_zoom(image, faces):
    """Returns the whole number by which a picture is enlarged."""
    smallest = min((_face_size(face) for face in faces), default=_READABLE_FACE)
    most = _LARGEST_PICTURE // max(image.shape[:2])
    return int(np.clip(np.ceil(_READABLE_FACE / max(smallest, 1)), 1, max(most, 1)))


def _face_size(face):
    """Returns the larger side of a fitted face in pixels of the photograph."""
    return float(np.ptp(face.points, axis=0).max())


def _draw_grid(picture, points, visible, size):
    """Draws every few lines of the grid where both ends of a piece are visible, in place."""
    grid = _fixed_point(points).reshape(*visible.shape, 2)
    step = max(1, round(_LINE_DISTANCE * max(visible.shape) / size))
    for rows, seen in ((grid, visible), (grid.transpose(1, 0, 2), visible.T)):
        for row in range(0, len(rows), step):
            both = seen[row, :-1] & seen[row, 1:]
            pieces = np.stack([rows[row, :-1], rows[row, 1:]], axis=1)[both]
            cv2.polylines(picture, list(pieces), False, _MESH, 1, cv2.LINE_AA, _FRACTION_BITS)


def _draw_landmarks(picture, landmarks, radius):
    """Draws landmarks and the lines that join them, in place."""
    points = _fixed_point(landmarks)
    for first, last, closed in IBUG68_LINES:
        cv2.polylines(
            picture, [points[first : last + 1]], closed, _LANDMARKS, max(1, radius // 2),
            cv2.LINE_AA, _FRACTION_BITS,
        )  # fmt: skip
    for x, y in points.tolist():
        cv2.circle(
            picture, (x, y), radius << _FRACTION_BITS, _LANDMARKS, -1, cv2.LINE_AA, _FRACTION_BITS
        )


def _fixed_point(points):
    return np.round(points * (1 << _FRACTION_BITS)).astype(np.int32)
