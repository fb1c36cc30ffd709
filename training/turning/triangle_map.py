"""Draws a mesh into maps: the place in the texture from which each pixel takes its colour."""

from dataclasses import dataclass

import cv2
import numpy as np

# cv2.fillConvexPoly takes fixed-point coordinates with this many fractional bits.
_FRACTION_BITS = 4
# Triangles of less area, in square pixels, are not drawn: their affine map is not defined.
_LEAST_AREA = 1e-3
# Pixels that no triangle covers take their colour from here: outside any texture.
_NOWHERE = -1e6


@dataclass(frozen=True)
class TriangleMap:
    """A drawn mesh.

    Attributes:
        texture: x and y in the texture, `(side, side)` float32 each, −1e6 where nothing is drawn.
        depth: `(side, side)` float32, of the visible surface; infinite where there is none.
        supersampling: pixels of the maps per pixel of the picture, along a side.
    """

    texture: tuple[np.ndarray, np.ndarray]
    depth: np.ndarray
    supersampling: int

    def depth_at(self, points: np.ndarray, reach: float = 0.0) -> np.ndarray:
        """Returns the farthest depth within `reach` pixels of points `(N, 2)` of the picture.

        It is infinite outside. With a reach, a point on the edge of a surface gets the depth of
        what lies behind the edge.
        """
        width = 2 * round(reach * self.supersampling) + 1
        farthest = cv2.dilate(self.depth, np.ones((width, width), np.uint8))
        x, y = np.round((points.T + 0.5) * self.supersampling - 0.5).astype(int)
        inside = (np.minimum(x, y) >= 0) & (np.maximum(x, y) < len(self.depth))
        x, y = np.where(inside, x, 0), np.where(inside, y, 0)
        return np.where(inside, farthest[y, x], np.inf)


def triangle_map(
    corners: np.ndarray,
    texture: np.ndarray,
    depth: np.ndarray,
    triangles: np.ndarray,
    *,
    behind: int,
    size: int,
    supersampling: int = 1,
) -> TriangleMap:
    """Draws a mesh, farthest triangle first.

    Args:
        corners: `(V, 2)` positions of the vertices in the picture, pixels.
        texture: `(V, 2)` their positions in the texture, pixels.
        depth: `(V,)`, greater is farther.
        triangles: `(T, 3)` vertices, counter-clockwise as seen from outside.
        behind: this many of the first triangles lie behind all others and have no rear side; the
            others are only drawn if they face the viewer.
        size: side of the picture in pixels.
        supersampling: pixels of the maps per pixel of the picture, along a side.
    """
    side = size * supersampling
    placed = ((corners + 0.5) * supersampling - 0.5)[triangles]  # (T, 3, 2)
    order = _drawing_order(placed, depth[triangles].mean(axis=1), behind)
    placed, drawn = placed[order], triangles[order]

    owner = np.full((side, side), -1, np.int32)
    fixed = np.round(placed * (1 << _FRACTION_BITS)).astype(np.int32)
    for position, triangle in enumerate(fixed):
        cv2.fillConvexPoly(owner, triangle, position, cv2.LINE_8, _FRACTION_BITS)

    # Within a triangle, texture and depth are affine functions of the pixel: (x, y, 1) @ map.
    targets = np.concatenate([placed, np.ones((len(order), 3, 1))], axis=2)
    values = np.concatenate([texture, depth[:, None]], axis=1)[drawn]  # (T, 3, 3)
    maps = np.linalg.solve(targets, values).astype(np.float32)
    low, high = values.min(axis=1).astype(np.float32), values.max(axis=1).astype(np.float32)
    y, x = np.nonzero(owner >= 0)
    at = owner[y, x]
    found = maps[at, 0] * x[:, None].astype(np.float32)
    found += maps[at, 1] * y[:, None].astype(np.float32) + maps[at, 2]
    # Pixels on an edge have their centre up to a pixel outside their triangle.
    np.clip(found, low[at], high[at], out=found)
    texture_x, texture_y = (np.full((side, side), _NOWHERE, np.float32) for _ in "xy")
    depth_map = np.full((side, side), np.inf, np.float32)
    texture_x[y, x], texture_y[y, x], depth_map[y, x] = found.T
    return TriangleMap((texture_x, texture_y), depth_map, supersampling)


def _drawing_order(placed, depth, behind):
    """Returns which triangles `(T, 3, 2)` to draw: those behind first, each part farthest first."""
    (ax, ay), (bx, by) = (placed[:, 1] - placed[:, 0]).T, (placed[:, 2] - placed[:, 0]).T
    area = (ax * by - ay * bx) / 2  # negative where counter-clockwise: y points down
    rear = np.arange(len(placed)) < behind
    shown = np.flatnonzero(np.where(rear, np.abs(area), -area) > _LEAST_AREA)
    return shown[np.lexsort((-depth[shown], ~rear[shown]))]
