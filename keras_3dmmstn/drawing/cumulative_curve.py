"""Draws cumulative curves of errors."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from keras_3dmmstn.drawing.panels import draw_text

_WIDTH, _HEIGHT = 720, 480
# Position of the axes: left, top, right, bottom in pixels.
_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 24, 696, 420
_GRID, _AXIS = (225, 225, 225), (90, 90, 90)
_COLOURS = ((31, 119, 180), (214, 90, 30), (44, 140, 60), (148, 80, 180), (120, 90, 80))
# OpenCV draws at fixed-point coordinates with this many fractional bits.
_FRACTION_BITS = 4


def draw_curves(descriptions: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
    """Draws the share of faces whose error does not exceed each value.

    Args:
        descriptions: names to descriptions from `evaluation_report.describe`, of one threshold.

    Returns:
        `(480, 720, 3)` uint8 RGB picture.
    """
    picture = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    threshold = max(description["threshold_percent"] for description in descriptions.values())
    _draw_axes(picture, threshold)
    for number, (name, description) in enumerate(descriptions.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        curve = description["cumulative_curve"]
        places = _places(np.array(curve["percent"]) / threshold, np.array(curve["share"]))
        cv2.polylines(picture, [places], False, colour, 2, cv2.LINE_AA, _FRACTION_BITS)
        row = _BOTTOM - 16 - 22 * (len(descriptions) - 1 - number)
        cv2.line(picture, (_LEFT + 250, row - 5), (_LEFT + 280, row - 5), colour, 2, cv2.LINE_AA)
        text = f"{name}  (AUC {description['area_under_curve']:.3f})"
        draw_text(picture, text, (_LEFT + 290, row))
    return picture


def _draw_axes(picture, threshold):
    """Draws frame, grid and labels, in place."""
    for share in np.linspace(0, 1, 6):
        (_, y), (x, _) = _pixel(0, share), _pixel(share, 0)
        cv2.line(picture, (_LEFT, y), (_RIGHT, y), _GRID, 1)
        cv2.line(picture, (x, _TOP), (x, _BOTTOM), _GRID, 1)
        draw_text(picture, f"{share:.1f}", (_LEFT - 8, y + 5), align="right")
        draw_text(picture, f"{share * threshold:g}", (x, _BOTTOM + 20), align="middle")
    cv2.rectangle(picture, (_LEFT, _TOP), (_RIGHT, _BOTTOM), _AXIS, 1)
    middle = ((_LEFT + _RIGHT) / 2, _HEIGHT - 14)
    draw_text(picture, "mean error of a face, % of sqrt(w h)", middle, 15, align="middle")
    draw_text(picture, "share of faces", (8, _TOP - 8), 15)


def _pixel(x, y):
    """Returns the pixel of a place, given as shares of the axes."""
    return round(_LEFT + x * (_RIGHT - _LEFT)), round(_BOTTOM - y * (_BOTTOM - _TOP))


def _places(x, y):
    """Returns fixed-point pixels `(n, 2)` of places, given as shares of the axes."""
    places = np.stack([_LEFT + x * (_RIGHT - _LEFT), _BOTTOM - y * (_BOTTOM - _TOP)], axis=1)
    return np.round(places * (1 << _FRACTION_BITS)).astype(np.int32)
