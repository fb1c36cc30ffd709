"""Finds which triangle of a mesh each pixel of a picture shows, and where in the triangle."""

from dataclasses import dataclass

import numpy as np

# Pixels this near to an edge belong to the triangles on both sides, so that there are no gaps.
_ON_THE_EDGE = 1e-9
# Depths are compared as 31-bit integers, stored above the triangle's number in a 64-bit one.
_LARGEST_DEPTH, _NUMBER_BITS = (1 << 31) - 1, 32
_NOTHING = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Raster:
    """The part of a mesh that each pixel of a picture shows.

    Attributes:
        pixels: `(n,)`, the pixels that show the mesh, row · width + column, ascending.
        triangles: `(n,)`, the triangle that each of them shows.
        corners: `(3, n)`, the vertices of that triangle.
        weights: `(3, n)` float32, the barycentric coordinates of the pixel's centre in it.
    """

    pixels: np.ndarray
    triangles: np.ndarray
    corners: np.ndarray
    weights: np.ndarray

    def interpolate(self, values: np.ndarray) -> np.ndarray:
        """Interpolates vertex values `(channels, N)` at the pixels, `(channels, n)` float32."""
        at_pixels = np.zeros((len(values), len(self.pixels)), np.float32)
        for channel, known in zip(at_pixels, np.asarray(values, np.float32), strict=True):
            for corner, weight in zip(self.corners, self.weights, strict=True):
                channel += known.take(corner) * weight
        return at_pixels


def rasterise(
    points: np.ndarray, depth: np.ndarray, triangles: np.ndarray, shape: tuple[int, int]
) -> Raster:
    """Draws a mesh with a depth buffer: each pixel shows the nearest triangle there.

    A pixel shows what lies at its centre, and centres are at integer coordinates: (0, 0) is the
    centre of the top-left pixel. Both sides of a triangle are drawn. Of several triangles at one
    depth, the one with the lowest number is drawn; triangles without area are not.

    Args:
        points: `(N, 2)` x, y of the vertices in pixels.
        depth: `(N,)`, their distances from the viewer, in any unit.
        triangles: `(T, 3)` vertex indices.
        shape: height and width of the picture.
    """
    width = shape[1]
    places = np.asarray(points, np.float64)[triangles]  # (T, 3, 2)
    area = _area(places)
    spans, rows, first, last = _spans(places, area, shape)
    # The matrix from a place minus the first corner to the weights of the two others.
    (a, c), (b, d) = (places[:, k].T - places[:, 0].T for k in (1, 2))
    inverse = np.array([[d, -b], [-c, a]]) / np.where(area == 0, 1, area)  # (2, 2, T)
    nearest = _nearest(places, inverse, _levels(depth)[triangles], spans, rows, first, last, shape)
    pixels = np.flatnonzero(nearest != _NOTHING)
    shown = nearest[pixels] & ((1 << _NUMBER_BITS) - 1)
    row = pixels // width
    x, y = (
        (at - start.take(shown)).astype(np.float32)
        for at, start in zip((pixels - row * width, row), places[:, 0].T.copy(), strict=True)
    )
    small = inverse.astype(np.float32)
    weights = np.empty((3, len(pixels)), np.float32)
    for k in (1, 2):
        weights[k] = small[k - 1, 0].take(shown) * x + small[k - 1, 1].take(shown) * y
    weights[0] = 1 - weights[1] - weights[2]
    corners = np.stack([corner.take(shown) for corner in np.ascontiguousarray(triangles.T)])
    return Raster(pixels, shown, corners, weights)


def _levels(depth):
    """Returns depths spread over 0..1."""
    depth = np.asarray(depth, np.float64)
    return (depth - depth.min()) / max(np.ptp(depth), np.finfo(float).tiny)


def _area(places):
    """Returns twice the areas of triangles `(T, 3, 2)`, signed."""
    first, second = (places[:, k] - places[:, 0] for k in (1, 2))
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


def _nearest(places, inverse, levels, spans, rows, first, last, shape):
    """Returns for each pixel the nearest triangle's depth and number in one integer."""
    # Depth is linear in a triangle: d = d₀ + g · (place − place₀), in 0..1.
    gradient = sum((levels[:, k] - levels[:, 0]) * inverse[k - 1] for k in (1, 2))  # (2, T)
    start = levels[:, 0] - (gradient * places[:, 0].T).sum(axis=0)
    in_row = start[spans] + gradient[1][spans] * rows
    count = last - first + 1
    span = np.repeat(np.arange(len(spans)), count)
    column = np.arange(len(span)) - np.repeat(np.cumsum(count) - count - first, count)
    level = in_row[span] + gradient[0][spans][span] * column
    key = (level.clip(0, 1) * _LARGEST_DEPTH).astype(np.int64) << _NUMBER_BITS
    nearest = np.full(shape[0] * shape[1], _NOTHING)
    np.minimum.at(nearest, (rows * shape[1])[span] + column, key | spans[span])
    return nearest


def _spans(places, area, shape):
    """Returns the rows of pixels that triangles cover.

    Args:
        places: `(T, 3, 2)` corners.
        area: `(T,)`, from `_area`.
        shape: height and width of the picture.

    Returns:
        `(m,)` triangles, rows, and first and last columns; inside the picture, none of them empty.
    """
    y = places[..., 1]
    top = np.clip(np.ceil(y.min(axis=1)), 0, shape[0]).astype(int)
    bottom = np.clip(np.floor(y.max(axis=1)), -1, shape[0] - 1).astype(int)
    count = np.where(area == 0, 0, np.maximum(bottom - top + 1, 0))
    triangle = np.repeat(np.arange(len(places)), count)
    row = np.arange(len(triangle)) - np.repeat(np.cumsum(count) - count - top, count)
    low, high = np.zeros(len(row)), np.full(len(row), shape[1] - 1.0)
    for k in range(3):
        # From the upper end on, so that both triangles at an edge find exactly the same crossing.
        begin, end = places[:, k], places[:, (k + 1) % 3]
        falls = begin[:, 1] < end[:, 1]
        upper, lower = np.where(falls, (begin.T, end.T), (end.T, begin.T))
        height = lower[1] - upper[1]
        slope = (lower[0] - upper[0]) / np.where(height == 0, 1, height)
        crossing = upper[0][triangle] + slope[triangle] * (row - upper[1][triangle])
        side = np.where(height == 0, 0, np.where(falls == (area > 0), 1, -1))[triangle]
        low = np.where(side < 0, np.maximum(low, crossing - _ON_THE_EDGE), low)
        high = np.where(side > 0, np.minimum(high, crossing + _ON_THE_EDGE), high)
    first, last = np.ceil(low).astype(int), np.floor(high).astype(int)
    kept = first <= last
    return triangle[kept], row[kept], first[kept], last[kept]
