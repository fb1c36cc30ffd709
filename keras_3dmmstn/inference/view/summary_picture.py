"""One picture of a face: photograph with landmarks, texture, view from the front."""

from collections.abc import Sequence

import cv2
import numpy as np

_SIDE, _GAP, _WHITE = 240, 8, 255
_GREEN, _RADIUS, _SHIFT = (60, 220, 60), 1.6, 4


def summary_picture(
    photograph: np.ndarray, points: np.ndarray, texture: np.ndarray, front: np.ndarray
) -> np.ndarray:
    """Draws a photograph with points, a texture and a view side by side.

    Args:
        photograph: `(h, w, 3)` uint8 RGB, the part around the face.
        points: `(n, 2)` x, y in its pixels; may be empty.
        texture: `(S, S, 3)` uint8 RGB.
        front: `(F, F, 3)` uint8 RGB.

    Returns:
        `(240, width, 3)` uint8 RGB.
    """
    height, width = photograph.shape[:2]
    scale = _SIDE / max(height, width)
    card = _resized(photograph, (max(round(width * scale), 1), max(round(height * scale), 1)))
    for point in (points + 0.5) * scale - 0.5:
        x, y, radius = (round(float(value) * 2**_SHIFT) for value in (*point, _RADIUS))
        cv2.circle(card, (x, y), radius, _GREEN, cv2.FILLED, cv2.LINE_AA, _SHIFT)
    return _in_a_row([card, *(_resized(part, (_SIDE, _SIDE)) for part in (texture, front))])


def as_png(picture: np.ndarray) -> bytes:
    """Returns an RGB picture as a PNG file."""
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()


def _resized(picture, size):
    """Returns a picture of another (width, height), averaged where it gets smaller."""
    smaller = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(picture), size, interpolation=how)


def _in_a_row(cards: Sequence[np.ndarray]) -> np.ndarray:
    """Returns pictures of up to 240 rows side by side, vertically centred."""
    width = sum(card.shape[1] for card in cards) + _GAP * (len(cards) - 1)
    row, left = np.full((_SIDE, width, 3), _WHITE, np.uint8), 0
    for card in cards:
        top = (_SIDE - card.shape[0]) // 2
        row[top : top + card.shape[0], left : left + card.shape[1]] = card
        left += card.shape[1] + _GAP
    return row
