"""Where hand labels fall in textures, and how far they scatter there."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.landmark_sets import JAW_POINTS

#: Points of ibug68 in groups.
GROUPS = {
    "jaw": range(JAW_POINTS),
    "brows": range(17, 27),
    "nose": range(27, 36),
    "eyes": range(36, 48),
    "mouth": range(48, 68),
}
_OUTER_EYES = (36, 45)
# How many of the nearest cells are searched for the nearest place.
_NEAREST_CELLS = 24


def nearest_places(
    points: np.ndarray, mask: np.ndarray, labels: np.ndarray, cells: int = _NEAREST_CELLS
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the visible place of a fitted grid that is nearest to each label in the photograph.

    A cell is visible if its four corners are. Within its two triangles places are interpolated.

    Args:
        points: `(rows, columns, 2)` the grid in pixels of the photograph.
        mask: `(rows, columns)` bool.
        labels: `(L, 2)` pixels.
        cells: so many of the cells with the nearest middles are searched.

    Returns:
        `(L, 2)` row and column of the places, and the distances to them `(L,)` in pixels; NaN where
        no cell is visible.
    """
    visible = mask[:-1, :-1] & mask[:-1, 1:] & mask[1:, :-1] & mask[1:, 1:]
    rows, columns = np.nonzero(visible)
    if not len(rows):
        return np.full((len(labels), 2), np.nan), np.full(len(labels), np.nan)
    offsets = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
    places = np.stack([rows, columns], axis=1)[:, None] + offsets  # (cells, 4, 2)
    corners = points[places[..., 0], places[..., 1]].astype(float)
    middles = cKDTree(corners.mean(axis=1))
    nearest = middles.query(labels, k=min(cells, len(rows)))[1].reshape(len(labels), -1)
    halves = np.array([(0, 2, 3), (0, 3, 1)])
    triangles = corners[nearest][:, :, halves].reshape(len(labels), -1, 3, 2)
    weights = _closest_weights(triangles, labels[:, None])
    found = np.einsum("ltk,ltkx->ltx", weights, triangles)
    distances = np.linalg.norm(found - labels[:, None], axis=-1)
    best = np.arange(len(labels)), distances.argmin(axis=1)
    grid = places[nearest][:, :, halves].reshape(*triangles.shape)
    return np.einsum("lk,lkx->lx", weights[best], grid[best]), distances[best]


def dispersion(places: np.ndarray, surface: np.ndarray) -> list[dict[str, Any]]:
    """Describes how far the places of each label scatter over photographs.

    Args:
        places: `(photographs, L, 2)` row and column, NaN where a label does not count.
        surface: `(rows, columns, 3)` where the texels lie on the mean face, mm.

    Returns:
        For each label the number of photographs, the mean place `u` (column) and `v` (row), and of
        the distance from it the root of the mean square `rms` and the median, in texels; and
        `rms_mm`, the same of the places on the mean face from their mean in space.
    """
    described = []
    for label in np.moveaxis(places, 1, 0):
        seen = label[np.isfinite(label).all(axis=1)]
        if not len(seen):
            described.append({"photographs": 0})
            continue
        distances = np.linalg.norm(seen - seen.mean(axis=0), axis=1)
        on_face = _interpolated(surface, seen)
        in_space = np.linalg.norm(on_face - on_face.mean(axis=0), axis=1)
        described.append(
            {
                "photographs": len(seen),
                "u": float(seen[:, 1].mean()),
                "v": float(seen[:, 0].mean()),
                "rms": _rms(distances),
                "median": float(np.median(distances)),
                "rms_mm": _rms(in_space),
            }
        )
    return described


def group_means(described: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Returns the means of a dispersion over the groups of points and over all 68.

    Beside texels and millimetres, `rms_share` is in % of the distance between the mean places of
    the outer eye corners, `median_share` likewise.
    """
    first, last = ((described[p]["u"], described[p]["v"]) for p in _OUTER_EYES)
    eyes = float(np.hypot(*np.subtract(first, last)))
    means = {}
    for name, group in {**GROUPS, "all": range(68)}.items():
        known = [described[point] for point in group if described[point]["photographs"]]
        mean = {
            key: float(np.mean([row[key] for row in known])) for key in ("rms", "median", "rms_mm")
        }
        shares = {f"{key}_share": 100 * mean[key] / eyes for key in ("rms", "median")}
        means[name] = mean | shares
    return means


def dispersion_lines(means: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Returns the lines that are printed for the means over groups."""
    head = f"{'':8}{'rms':>8}{'median texels':>15}{'rms mm':>8}{'rms % of eyes':>15}"
    return [head] + [
        f"{name:8}{m['rms']:8.2f}{m['median']:15.2f}{m['rms_mm']:8.2f}{m['rms_share']:15.2f}"
        for name, m in means.items()
    ]


def _closest_weights(triangles, point):
    """Returns the barycentric weights `(..., 3)` of triangles' places closest to a point.

    Triangles are `(..., 3, 2)`, the point `(..., 2)`.
    """
    a, b, c = (triangles[..., corner, :] for corner in range(3))
    area = _cross(b - a, c - a)
    safe = np.where(area == 0, 1, area)
    inner = np.stack(
        [_cross(b - point, c - point), _cross(c - point, a - point), _cross(a - point, b - point)],
        axis=-1,
    )
    inner = inner / safe[..., None]
    is_inside = (area != 0) & (inner >= 0).all(axis=-1)
    best, least = np.zeros_like(inner), np.full(area.shape, np.inf)
    for start, end in ((0, 1), (1, 2), (2, 0)):
        p, side = triangles[..., start, :], triangles[..., end, :] - triangles[..., start, :]
        length = (side**2).sum(axis=-1)
        share = ((point - p) * side).sum(axis=-1) / np.where(length == 0, 1, length)
        share = np.clip(share, 0, 1)
        distance = np.linalg.norm(p + share[..., None] * side - point, axis=-1)
        weights = np.zeros_like(inner)
        weights[..., start], weights[..., end] = 1 - share, share
        nearer = distance < least
        best, least = np.where(nearer[..., None], weights, best), np.where(nearer, distance, least)
    return np.where(is_inside[..., None], inner, best)


def _interpolated(values, places):
    """Returns values `(rows, columns, channels)` at places `(n, 2)`, bilinearly."""
    corner = np.minimum(places.astype(int), np.array(values.shape[:2]) - 2)
    down, along = (places - corner).T[..., None]
    row, column = corner.T
    upper = values[row, column] * (1 - along) + values[row, column + 1] * along
    lower = values[row + 1, column] * (1 - along) + values[row + 1, column + 1] * along
    return upper * (1 - down) + lower * down


def _cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _rms(values):
    return float(np.sqrt((values**2).mean()))
