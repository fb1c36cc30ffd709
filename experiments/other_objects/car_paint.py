"""What car bodies are painted with: details that are tied to places of the surface."""

from dataclasses import dataclass

import cv2
import numpy as np
from car_shapes import COLUMNS, ROWS, CarShape

_GLASS, _BLACK, _CHROME = (38, 46, 58), (22, 22, 24), (190, 192, 196)
_STYLES = ("plain", "stripes", "number", "taxi", "two tones", "star")
#: Radius of a wheel in millimetres, and where axles are, in shares of the length.
WHEEL_RADIUS, AXLES = 320.0, (0.19, 0.80)


@dataclass(frozen=True)
class Paint:
    """How a car is painted; colours are RGB in 0..255."""

    colour: tuple[int, int, int]
    second: tuple[int, int, int]
    style: str
    number: int
    plate: str


def random_paint(rng: np.random.Generator) -> Paint:
    """Draws two colours that differ, a style, a number and a number plate."""
    hue, saturation, value = rng.uniform(0, 180), rng.choice([30, 170, 220]), rng.uniform(90, 245)
    colour = _from_hsv(hue, saturation, value)
    second = _from_hsv(
        hue + rng.uniform(60, 120), rng.choice([10, 200]), 245 if value < 165 else 60
    )
    letters = "".join(rng.choice(list("ABCDEFGHKLMNPRSTUVXYZ"), 2))
    plate = f"{letters} {rng.integers(100, 999)}"
    return Paint(colour, second, str(rng.choice(_STYLES)), int(rng.integers(1, 99)), plate)


def paint_surface(paint: Paint, surface: np.ndarray, shape: CarShape) -> np.ndarray:
    """Paints a body.

    Args:
        paint: what with.
        surface: `(S, S, 3)`, as of `car_shapes.on_the_road`.
        shape: whose surface it is.

    Returns:
        `(S, S, 3)` uint8 RGB, a colour for each point.
    """
    size = len(surface)
    picture = np.full((size, size, 3), paint.colour, np.uint8)
    _draw_style(picture, paint)
    for side in (-1, 1):
        _draw_side(picture, side, paint)
    _fill(picture, _GLASS, [(3.1, -1.75), (3.1, 1.75), (3.9, 1.85), (3.9, -1.85)])
    _fill(picture, _GLASS, [(1.15, -1.75), (1.15, 1.75), (1.85, 1.7), (1.85, -1.7)])
    _line(picture, tuple(c // 2 for c in paint.colour), [(4.08, -1.9), (4.08, 1.9)])
    _fill(picture, _BLACK, [(6.3, -1.05), (6.3, 1.05), (7.05, 0.9), (7.05, -0.9)])
    for row in (6.5, 6.75):
        _line(picture, _CHROME, [(row, -1.0), (row, 1.0)])
    _fill(picture, (45, 45, 48), [(7.7, -2.2), (7.7, 2.2), (8, 2.2), (8, -2.2)])
    _stamp(picture, _plate(paint.plate), (7.35, 0), 0.5, 1.7, 0)
    # Wheel arches are where the wheels of this very body are.
    x, height, behind = np.moveaxis(surface, -1, 0)
    for axle in AXLES:
        distance = np.hypot(behind - axle * shape.length, height - WHEEL_RADIUS)
        picture[(distance < 1.16 * WHEEL_RADIUS) & (np.abs(x) > 0.42 * shape.width)] = _BLACK
    return picture


def _draw_side(picture, side, paint):
    """Draws windows, doors, lights and sill of one side; -1 is left in the image."""
    corners = [(1.25, 2.2), (3.7, 2.2), (3.95, 2.9), (1.05, 2.9)]
    _fill(picture, _GLASS, [(row, side * column) for row, column in corners])
    _fill(picture, paint.colour, [(2.42, side * c) for c in (2.1, 2.95)] + [(2.58, side * 2.95)])
    shadow = tuple(c // 3 for c in paint.colour)
    for row, lean in ((2.5, 0.1), (3.9, 0.0), (1.5, 0.35)):
        _line(picture, shadow, [(row, side * 2.95), (row + lean, side * 4.7)])
    for row in (2.75, 1.75):
        _line(picture, _CHROME, [(row, side * 3.3), (row + 0.15, side * 3.3)], 3)
    _fill(picture, (45, 45, 48), [(row, side * c) for row, c in
          ((0, 4.75), (7, 4.75), (8, 5), (0, 5))])  # fmt: skip
    lamp = [(6.1, 1.25), (6.0, 2.25), (6.6, 2.5), (6.9, 1.4)]
    _fill(picture, (250, 246, 225), [(row, side * c) for row, c in lamp])
    _line(picture, _BLACK, [(row, side * c) for row, c in [*lamp, lamp[0]]])
    _fill(picture, (240, 150, 40), [(row, side * c) for row, c in
          ((6.3, 2.6), (6.3, 3.0), (6.6, 3.0), (6.6, 2.6))])  # fmt: skip


def _draw_style(picture, paint):
    """Draws what makes this car unlike others."""
    second = paint.second
    if paint.style == "stripes":
        for c in (-0.7, 0.35):
            _fill(picture, second, [(0, c), (7.6, c), (7.6, c + 0.35), (0, c + 0.35)])
    elif paint.style == "number":
        _stamp(picture, _roundel(paint), (5.0, 0), 1.4, 1.6, 0)
        _stamp(picture, _roundel(paint), (2.5, 0), 0.85, 1.6, 0)
        for side in (-1, 1):
            _stamp(picture, _roundel(paint), (2.3, side * 3.75), 1.3, 1.6, side)
    elif paint.style == "taxi":
        for step in range(28):
            for side in (-1, 1):
                for band in (0, 1):
                    row, column = 0.3 + step * 0.22, 3.2 + 0.3 * ((step + band) % 2)
                    _fill(picture, second if band else paint.colour, [(row, side * column),
                          (row + 0.22, side * column), (row + 0.22, side * (column + 0.3)),
                          (row, side * (column + 0.3))])  # fmt: skip
    elif paint.style == "two tones":
        _fill(picture, second, [(0, -2.1), (4.05, -2.1), (4.05, 2.1), (0, 2.1)])
        for side in (-1, 1):
            _fill(picture, second, [(0, side * 3.9), (7, side * 3.9), (7, side * 5), (0, side * 5)])
    elif paint.style == "star":
        _stamp(picture, _star(paint), (5.0, 0), 1.6, 1.6, 0)
        for side in (-1, 1):
            _line(picture, second, [(0.2, side * 3.4), (5.8, side * 3.4)], 5)


def _pixels(picture, places):
    """Returns pixels `(n, 2)` of places (row, column) of the cage."""
    rows, columns = np.array(places, float).T
    last = len(picture) - 1
    down = rows / (len(ROWS) - 1) * last
    across = (0.5 + 0.5 * columns / (len(COLUMNS) - 1)) * last
    return np.round(np.stack([across, down], axis=1)).astype(np.int32)


def _fill(picture, colour, places):
    cv2.fillPoly(picture, [_pixels(picture, places)], tuple(map(int, colour)), cv2.LINE_AA)


def _line(picture, colour, places, width=2):
    width = max(1, round(width * len(picture) / 400))
    pixels = [_pixels(picture, places)]
    cv2.polylines(picture, pixels, False, tuple(map(int, colour)), width, cv2.LINE_AA)


def _stamp(picture, stamp, place, rows, columns, quarter):
    """Puts a square RGBA stamp on a place of the cage, `rows` × `columns` of it.

    Args:
        quarter: 0 where down is to the front; -1 and 1 on the left and the right flank.
    """
    stamp = np.rot90(stamp, quarter)
    (x0, y0), (x1, y1) = _pixels(picture, [
        (place[0] - rows / 2, place[1] - columns / 2), (place[0] + rows / 2, place[1] + columns / 2)
    ])  # fmt: skip
    small = cv2.resize(
        np.ascontiguousarray(stamp), (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA
    )
    share = small[..., 3:] / 255.0
    part = picture[y0:y1, x0:x1]
    picture[y0:y1, x0:x1] = np.round(share * small[..., :3] + (1 - share) * part)


def _written(stamp, text, scale, thickness, colour):
    """Writes a text in the middle of a stamp."""
    font = cv2.FONT_HERSHEY_DUPLEX
    (width, height), _ = cv2.getTextSize(text, font, scale, thickness)
    rows, columns = stamp.shape[:2]
    origin = ((columns - width) // 2, (rows + height) // 2)
    cv2.putText(stamp, text, origin, font, scale, (*colour, 255), thickness, cv2.LINE_AA)
    return stamp


def _roundel(paint):
    stamp = np.zeros((200, 200, 4), np.uint8)
    cv2.circle(stamp, (100, 100), 96, (245, 245, 245, 255), -1)
    cv2.circle(stamp, (100, 100), 96, (*paint.second, 255), 8)
    return _written(stamp, str(paint.number), 3.6, 12, _BLACK)


def _plate(text):
    stamp = np.full((90, 320, 4), (245, 245, 240, 255), np.uint8)
    return _written(stamp, text, 1.9, 6, _BLACK)


def _star(paint):
    stamp = np.zeros((200, 200, 4), np.uint8)
    angle = np.pi / 5 * np.arange(10) - np.pi / 2
    radius = np.where(np.arange(10) % 2, 40, 98)
    points = 100 + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    cv2.fillPoly(stamp, [np.round(points).astype(np.int32)], (*paint.second, 255), cv2.LINE_AA)
    return stamp


def _from_hsv(hue, saturation, value):
    """Returns RGB of OpenCV's hue 0..180 and saturation and value in 0..255."""
    pixel = np.array([[[hue % 180, saturation, value]]], np.uint8)
    r, g, b = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return r, g, b
