"""Draws discs and lines at subpixel positions."""

import cv2
import numpy as np

# OpenCV's fractional bits for coordinates.
_FRACTION_BITS = 4


def draw_disc(
    picture: np.ndarray,
    place: np.ndarray | tuple[float, float],
    radius: float,
    colour: tuple[int, int, int],
) -> None:
    """Draws a disc on a picture, in place.

    Args:
        picture: `(height, width, 3)` uint8 RGB.
        place: x, y of its centre in pixels.
        radius: pixels.
        colour: RGB in 0..255.
    """
    x, y = _fixed_point(np.asarray(place)).tolist()
    fixed_radius = round(radius * (1 << _FRACTION_BITS))
    cv2.circle(picture, (x, y), fixed_radius, colour, -1, cv2.LINE_AA, _FRACTION_BITS)


def draw_lines(picture: np.ndarray, lines: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Draws lines `(count, points, 2)` of x, y in pixels on a picture, in place."""
    pieces = list(_fixed_point(lines))
    cv2.polylines(picture, pieces, False, colour, 1, cv2.LINE_AA, _FRACTION_BITS)


def _fixed_point(points):
    return np.round(points * (1 << _FRACTION_BITS)).astype(np.int32)
