"""Finds the cavities of a face surface: mouth, eye sockets, nostrils."""

import igl
import numpy as np

from keras_3dmmstn.mesh.flattening.flatten import solve_inner_vertices

# A conformal map shrinks a tube exponentially with depth. Where it has shrunk areas to less than
# this share of the median, the surface is inside a cavity.
_CAVITY_SCALE = 0.05
# With landmarks, which lie outside: less than this share of their least scale, and at most this.
_SHARE_OF_LANDMARKS, _LARGEST_SCALE = 0.9, 0.25
# Smaller spots (mm²) are not cavities.
_LEAST_AREA = 20.0


def depth_in_cavities(
    vertices: np.ndarray, triangles: np.ndarray, landmarks: np.ndarray
) -> np.ndarray:
    """Measures how deep in a cavity each vertex lies, by how a conformal map shrinks it.

    The disc is flattened to the unit disc, its boundary to the circle by arc length. The map can
    preserve angles only by shrinking what lies in a tube, by a factor that falls exponentially
    with the depth. So cavities stand out whatever their shape.

    Args:
        vertices: `(N, 3)` millimetres.
        triangles: `(T, 3)`, one disc.
        landmarks: vertices that lie outside cavities.

    Returns:
        `(N,)`: positive inside cavities, negative outside, with a smooth zero line.
    """
    scale = _area_scale(vertices, triangles)
    limit = _CAVITY_SCALE
    if len(landmarks):
        limit = min(_SHARE_OF_LANDMARKS * scale[landmarks].min(), _LARGEST_SCALE)
    depth = np.log(limit / scale)

    inside = depth > 0
    deep = triangles[inside[triangles].any(axis=1)]
    if len(deep):
        _, part = igl.facet_components(deep)
        area = np.bincount(part, igl.doublearea(vertices, deep) / 2)
        spot = np.setdiff1d(deep[area[part] < _LEAST_AREA], deep[area[part] >= _LEAST_AREA])
        depth[spot] = np.minimum(depth[spot], -1e-3)
    return depth


def _area_scale(vertices, triangles):
    """Returns the growth of area around each vertex, relative to the median, `(N,)`."""
    loop = np.ravel(igl.boundary_loop(triangles))
    steps = np.linalg.norm(vertices[np.roll(loop, -1)] - vertices[loop], axis=1)
    angle = 2 * np.pi * (np.cumsum(steps) - steps) / steps.sum()
    disc = np.full((len(vertices), 2), np.nan)
    disc[loop] = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    solve_inner_vertices(disc, vertices, triangles)

    corner = triangles.ravel()
    flat = np.repeat(igl.doublearea(np.pad(disc, [(0, 0), (0, 1)]), triangles), 3)
    round_ = np.repeat(igl.doublearea(vertices, triangles), 3)
    scale = np.bincount(corner, flat) / np.bincount(corner, round_)
    return np.maximum(scale / np.median(scale), 1e-12)
