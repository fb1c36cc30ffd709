"""Draws the error of each landmark on the mean face."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_3dmmstn.drawing.panels import draw_text
from keras_3dmmstn.drawing.render import render_mesh
from keras_3dmmstn.drawing.subpixel import draw_disc
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import MIRROR

# Side of the picture, and the largest circle on it, in pixels.
_SIZE, _LARGEST_RADIUS = 640, 14


def landmark_picture(model: GridModel, landmarks: Sequence[dict[str, Any]]) -> np.ndarray:
    """Draws the error of each landmark as a circle of proportional radius on the mean face.

    Args:
        model: the face model.
        landmarks: for each a dict of its `set`, its number `point` in it, and its error `percent`.

    Returns:
        `(640, 640, 3)` uint8 RGB picture.
    """
    low, high = model.mean[:, :2].min(axis=0), model.mean[:, :2].max(axis=0)
    centre, width = (low + high) / 2, 1.05 * float((high - low).max())
    picture = render_mesh(model.mean, model.triangles, _SIZE, frame=(centre, width))
    largest = max(row["percent"] for row in landmarks)
    for row in landmarks:
        place = model.mean[model.landmarks[row["set"]][row["point"]], :2]
        x, y = (place - centre) * _SIZE / width + (_SIZE - 1) / 2
        share = row["percent"] / largest
        draw_disc(picture, (x, y), _LARGEST_RADIUS * share, _red_where_large(share))
    draw_text(picture, f"largest circle: {largest:.2f} %", (10, _SIZE - 12))
    sets = " and ".join(name for name in MIRROR if any(row["set"] == name for row in landmarks))
    draw_text(picture, f"mean error of each point of {sets}", (10, 22))
    return picture


def _red_where_large(share):
    """Returns a colour from green over yellow to red for a share 0..1."""
    return (round(255 * min(1, 2 * share)), round(200 * min(1, 2 - 2 * share)), 40)
