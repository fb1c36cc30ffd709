"""Puts pictures side by side, with captions."""

from collections.abc import Sequence

import cv2
import numpy as np

_INK = (40, 40, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Height of a line of text in pixels, at the font's scale 1.
_FONT_HEIGHT = 30
_CAPTION_HEIGHT, _GAP = 24, 6


def draw_text(
    picture: np.ndarray,
    text: str,
    place: tuple[float, float],
    height: float = 14,
    colour: tuple[int, int, int] = _INK,
    align: str = "left",
) -> None:
    """Writes a line of text on a picture, in place.

    Args:
        picture: `(height, width, 3)` uint8 RGB.
        text: the text; it must fit.
        place: x, y in pixels of the text's left end, middle or right end, on the baseline.
        height: of the text in pixels.
        colour: RGB in 0..255.
        align: "left", "middle" or "right": which part of the text is at `place`.
    """
    scale = height / _FONT_HEIGHT
    width = cv2.getTextSize(text, _FONT, scale, 1)[0][0]
    left = place[0] - {"left": 0.0, "middle": 0.5, "right": 1.0}[align] * width
    origin = (round(left), round(place[1]))
    cv2.putText(picture, text, origin, _FONT, scale, colour, 1, cv2.LINE_AA)


def with_caption(picture: np.ndarray, text: str) -> np.ndarray:
    """Returns a picture `(height, width, 3)` with a line of text below.

    Text wider than the picture is made smaller.
    """
    strip = np.full((_CAPTION_HEIGHT, picture.shape[1], 3), 255, np.uint8)
    height = 14.0
    width = cv2.getTextSize(text, _FONT, height / _FONT_HEIGHT, 1)[0][0]
    height *= min(1, (picture.shape[1] - 4) / max(width, 1))
    place = (picture.shape[1] / 2, _CAPTION_HEIGHT - 8)
    draw_text(strip, text, place, height, align="middle")
    return np.vstack([picture, strip])


def tiled(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Arranges pictures of one size in rows, with white between them.

    Args:
        pictures: each `(height, width, 3)` uint8.
        columns: pictures in a row; the last row may have fewer.

    Returns:
        `(height, width, 3)` uint8 picture.

    Raises:
        ValueError: if there is no picture, or they differ in size.
    """
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1:
        raise ValueError(f"Expected pictures of one shape, received shapes {sorted(shapes)}.")
    height, width, channels = shapes.pop()
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.full(
        (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, channels), 255, np.uint8
    )
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        top, left = row * (height + _GAP), column * (width + _GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def resized(picture: np.ndarray, size: int) -> np.ndarray:
    """Returns a picture with sides of `size` pixels, smoothly enlarged or averaged down."""
    method = cv2.INTER_AREA if picture.shape[0] > size else cv2.INTER_CUBIC
    return cv2.resize(picture, (size, size), interpolation=method)


def encoded(picture: np.ndarray, suffix: str) -> bytes:
    """Returns an RGB picture as the content of a `.png` or `.jpg` file."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 90] if suffix in (".jpg", ".jpeg") else []
    return cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)[1].tobytes()
