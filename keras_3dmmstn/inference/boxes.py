"""Checks of the boxes around faces."""

from collections.abc import Sequence

import numpy as np

#: A face may reach beyond the photograph, but its box may be at most this many times as large.
LARGEST_BOX = 10
#: The least width and height of a box, in pixels.
SMALLEST_BOX = 1


def checked_boxes(boxes: np.ndarray | Sequence, image: np.ndarray) -> np.ndarray:
    """Returns boxes as `(n, 4)` floats, or raises a ValueError if they are invalid.

    Args:
        boxes: `(n, 4)` x0, y0, x1, y1 in pixels.
        image: `(height, width, channels)`, the photograph that they are in.
    """
    try:
        boxes = np.asarray(boxes, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected boxes of shape (n, 4), received {boxes!r}.") from error
    if boxes.size == 0:
        return boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"Expected boxes of shape (n, 4), received shape {boxes.shape}.")
    height, width = image.shape[:2]
    for box in boxes:
        x0, y0, x1, y1 = box
        if not np.isfinite(box).all() or x1 <= x0 or y1 <= y0:
            raise ValueError(f"Expected a box x0 < x1, y0 < y1, received {box.tolist()}.")
        if min(x1 - x0, y1 - y0) < SMALLEST_BOX:
            raise ValueError(
                f"Expected a box at least {SMALLEST_BOX} pixel wide and high, received "
                f"{box.tolist()}."
            )
        if x1 <= 0 or y1 <= 0 or x0 >= width - 1 or y0 >= height - 1:
            raise ValueError(
                f"Expected a box in the image of {width} x {height} pixels, received "
                f"{box.tolist()}, which lies outside."
            )
        if max(x1 - x0, y1 - y0) > LARGEST_BOX * max(width, height):
            raise ValueError(
                f"Expected the box of a face within the image of {width} x {height} pixels, "
                f"received {box.tolist()}, which is more than {LARGEST_BOX} times as large."
            )
    return boxes


def checked_rolls(rolls: np.ndarray | Sequence | None, boxes: np.ndarray) -> np.ndarray:
    """Returns a roll in radians for each box, `(n,)`, or raises a ValueError if one is invalid.

    Args:
        rolls: `(n,)` radians; None for upright faces.
        boxes: `(n, 4)`.
    """
    if rolls is None:
        return np.zeros(len(boxes))
    try:
        rolls = np.asarray(rolls, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected rolls in radians, received {rolls!r}.") from error
    if rolls.shape != (len(boxes),):
        raise ValueError(
            f"Expected a roll for each of {len(boxes)} boxes, received shape {rolls.shape}."
        )
    if not np.isfinite(rolls).all():
        raise ValueError(f"Expected rolls in radians, received {rolls.tolist()}.")
    return rolls
