"""Draws the fitted mesh and its landmarks on the photograph."""

from collections.abc import Sequence

import cv2
import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.mesh.landmark_sets import IBUG68_LINES

_MESH, _LANDMARKS, _DOUBTFUL = (90, 200, 255), (255, 60, 60), (255, 220, 60)
# A landmark with a larger spread gets a ring as large as its spread.
_LEAST_DOUBTFUL = 0.05
_NUMBER, _LABEL = (255, 255, 255), (30, 30, 30)
# Mesh lines are drawn about this many pixels apart.
_LINE_DISTANCE = 8
# A picture is enlarged until its smallest face has the first number of pixels, as long as the whole
# picture has no more than the second.
_READABLE_FACE, _LARGEST_PICTURE = 400, 2048
# An overlay of a photograph has at most this many pixels on its larger side.
_LARGEST_OVERLAY = 1600
# Pieces of mesh lines are at least about this many pixels long.
_SHORTEST_PIECE = 2
# A face of at least this many pixels gets dots at its landmarks.
_DOTTED_FACE = 100
# Height of the numbers at faces: a share of the face, within bounds in pixels.
_NUMBER_HEIGHT, _NUMBER_HEIGHTS = 0.12, (11, 40)
_FONT, _FONT_HEIGHT = cv2.FONT_HERSHEY_SIMPLEX, 22
# OpenCV draws at fixed-point coordinates with this many fractional bits.
_FRACTION_BITS = 4


def draw_fit(image: np.ndarray, faces: list[NormalisedFace]) -> np.ndarray:
    """Draws the visible part of the fitted meshes, and the 68 landmarks, on a photograph.

    A landmark that may be off by more than 5 % of √(w·h) gets a ring as large as its `spread`, but
    no larger than the face.

    Args:
        image: `(height, width, 3)` uint8 RGB.
        faces: the faces to draw.

    Returns:
        `(height, width, 3)` uint8 RGB picture, enlarged by a whole number if faces are small.
    """
    zoom = _readable_zoom(image, faces)
    picture = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    return _with_fits(picture, faces, [_moved(face.points, (zoom, zoom)) for face in faces])


def draw_overlay(
    image: np.ndarray, faces: list[NormalisedFace], labels: Sequence[str] | None = None
) -> np.ndarray:
    """Draws the same as `draw_fit` on a whole photograph, and the faces' numbers.

    Args:
        image: `(height, width, 3)` uint8 RGB.
        faces: the faces to draw.
        labels: the text at each face; None for its number, from 0.

    Returns:
        uint8 RGB picture as large as the photograph, but at most 1,600 pixels on its larger side.
    """
    height, width = image.shape[:2]
    share = min(1, _LARGEST_OVERLAY / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    picture = image if share == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    zoom = size[0] / width, size[1] / height
    points = [_moved(face.points, zoom) for face in faces]
    picture = _with_fits(picture, faces, points)
    for number, these in enumerate(points):
        _draw_number(picture, str(number) if labels is None else labels[number], these)
    return picture


def _with_fits(picture, faces, points):
    """Returns a copy of a picture with the faces, whose vertices are at `points` in it."""
    lines = picture.copy()
    for face, these in zip(faces, points, strict=True):
        _draw_grid(lines, these, face.visible.reshape(face.grid_shape), _size(these))
    picture = cv2.addWeighted(lines, 0.6, picture, 0.4, 0)
    for face, these in zip(faces, points, strict=True):
        if "ibug68" in face.landmark_indices:
            landmarks = these[face.landmark_indices["ibug68"]]
            _draw_landmarks(picture, landmarks, _size(these))
            if face.spread is not None:
                _draw_spread(picture, landmarks, face.spread)
    return picture


def _moved(points, zoom):
    """Returns points of a photograph in a picture enlarged by `zoom` along x and y."""
    return (points + 0.5) * zoom - 0.5


def _readable_zoom(image, faces):
    """Returns the whole number by which to enlarge a picture."""
    smallest = min((_size(face.points) for face in faces), default=_READABLE_FACE)
    most = _LARGEST_PICTURE // max(image.shape[:2])
    return int(np.clip(np.ceil(_READABLE_FACE / max(smallest, 1)), 1, max(most, 1)))


def _size(points):
    """Returns the larger side of a fitted face in pixels."""
    return float(np.ptp(points, axis=0).max())


def _draw_grid(picture, points, visible, size):
    """Draws every few lines of the grid where they are visible, in place."""
    grid = _fixed_point(points).reshape(*visible.shape, 2)
    step, stride = (
        max(1, round(pixels * max(visible.shape) / max(size, 1)))
        for pixels in (_LINE_DISTANCE, _SHORTEST_PIECE)
    )
    for rows, seen in ((grid, visible), (grid.transpose(1, 0, 2), visible.T)):
        for row in range(0, len(rows), step):
            places, there = np.ascontiguousarray(rows[row, ::stride]), seen[row, ::stride]
            ends = np.flatnonzero(there[1:] != there[:-1]) + 1
            visible_runs = np.split(places, ends)[int(not there[0]) :: 2]
            lines = [run for run in visible_runs if len(run) > 1]
            if lines:
                cv2.polylines(picture, lines, False, _MESH, 1, cv2.LINE_AA, _FRACTION_BITS)


def _draw_landmarks(picture, landmarks, size):
    """Draws landmarks and the lines that join them, in place; on a small face only the lines."""
    points, radius = _fixed_point(landmarks), max(1, round(size / 200))
    for first, last, closed in IBUG68_LINES:
        cv2.polylines(
            picture, [points[first : last + 1]], closed, _LANDMARKS, max(1, radius // 2),
            cv2.LINE_AA, _FRACTION_BITS,
        )  # fmt: skip
    for x, y in points.tolist() if size >= _DOTTED_FACE else ():
        cv2.circle(
            picture, (x, y), radius << _FRACTION_BITS, _LANDMARKS, -1, cv2.LINE_AA, _FRACTION_BITS
        )


def _draw_spread(picture, landmarks, spread):
    """Draws rings around the landmarks that may be far off, in place."""
    size = np.sqrt(np.ptp(landmarks, axis=0).prod())
    for (x, y), share in zip(_fixed_point(landmarks).tolist(), spread, strict=True):
        if share > _LEAST_DOUBTFUL:
            radius = int(_fixed_point(min(share, 1) * size))
            cv2.circle(picture, (x, y), radius, _DOUBTFUL, 1, cv2.LINE_AA, _FRACTION_BITS)


def _draw_number(picture, text, points):
    """Writes a face's number above its left end, or as near as the picture allows, in place."""
    height = int(np.clip(_NUMBER_HEIGHT * _size(points), *_NUMBER_HEIGHTS))
    scale, thickness, rim = height / _FONT_HEIGHT, max(1, height // 10), max(2, height // 6)
    (width, height), below = cv2.getTextSize(text, _FONT, scale, thickness)
    left, top = points.min(axis=0)
    x = int(np.clip(left, rim, max(rim, picture.shape[1] - width - rim)))
    lowest = picture.shape[0] - below - rim
    y = int(np.clip(top - below - rim, height + rim, max(height + rim, lowest)))
    corners = (x - rim, y - height - rim), (x + width + rim, y + below + rim)
    cv2.rectangle(picture, *corners, _LABEL, -1)
    cv2.putText(picture, text, (x, y), _FONT, scale, _NUMBER, thickness, cv2.LINE_AA)


def _fixed_point(points):
    return np.round(points * (1 << _FRACTION_BITS)).astype(np.int32)
