"""How much of a texture the features of a face take up: widths and areas."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.mesh.grid_model import GridModel

# Pairs of ibug68 points whose distances are widths; the first is the unit of the others.
_EYE_DISTANCE = (36, 45)
_WIDTHS = {
    "mouth": ((48, 54),),
    "inner lips": ((60, 64),),
    "eye": ((36, 39), (42, 45)),
    "nose": ((31, 35),),
}
# Points of ibug68 that go round a feature.
_CONTOURS: dict[str, tuple[Sequence[int], ...]] = {
    "eyes": (range(36, 42), range(42, 48)),
    "lips": (range(48, 60),),
}


@dataclass(frozen=True)
class FeatureLayout:
    """Widths and cell areas of a grid model's features.

    Attributes:
        widths: mouth, inner lips, eye (mean of both) and nose to their width in the texture and on
            the mean face, as a fraction of the distance between the outer eye corners there.
        cell_areas: eyes and lips to the mean area of the cells inside their contours, mm².
        median_area: the median of all cells of the grid, mm².
        area_95, area_largest: 95 % quantile and maximum of the cells' areas, in medians.
    """

    widths: dict[str, tuple[float, float]]
    cell_areas: dict[str, float]
    median_area: float
    area_95: float
    area_largest: float


def feature_layout(model: GridModel) -> FeatureLayout:
    """Measures how much room a grid model's texture gives to eyes, nose and mouth.

    Distances in the texture are those of rows and columns, as fractions of its height and width.

    Args:
        model: a model with the landmark set `ibug68`.

    Raises:
        ValueError: if the model lacks it.
    """
    points = model.landmark_indices("ibug68")
    rows, columns = model.grid_shape
    grid_places = np.stack(np.divmod(points, columns), axis=1).astype(float)
    texture = grid_places / (np.array([rows, columns]) - 1)
    face = model.mean[points].astype(float)
    on_texture = feature_widths(texture)
    areas = cell_areas(model)
    median = float(np.median(areas))
    return FeatureLayout(
        widths={name: (on_texture[name], width) for name, width in feature_widths(face).items()},
        cell_areas={
            name: _mean_area(areas, [grid_places[list(contour)] for contour in contours])
            for name, contours in _CONTOURS.items()
        },
        median_area=median,
        area_95=float(np.quantile(areas, 0.95)) / median,
        area_largest=float(areas.max()) / median,
    )


def feature_widths(points: np.ndarray) -> dict[str, float]:
    """Returns the widths of mouth, inner lips, eye (mean of both) and nose.

    Args:
        points: `(68, 2)` or `(68, 3)`, positions of the landmarks of `ibug68`, in any unit.

    Returns:
        Name to width, as a fraction of the distance between the outer eye corners.
    """
    first, last = _EYE_DISTANCE
    eyes = np.linalg.norm(points[last] - points[first])
    return {
        name: float(np.mean([np.linalg.norm(points[b] - points[a]) for a, b in pairs]) / eyes)
        for name, pairs in _WIDTHS.items()
    }


def cell_areas(model: GridModel) -> np.ndarray:
    """Returns the area of the mean face in each cell of a grid, `(H' − 1, W' − 1)` mm²."""
    a, b, c = (model.mean.astype(float)[model.triangles[:, corner]] for corner in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    rows, columns = model.grid_shape
    return areas.reshape(rows - 1, columns - 1, 2).sum(axis=2)


def inside_polygon(places: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Returns which places lie inside a polygon: a ray from them crosses it an odd number of times.

    Args:
        places: `(..., 2)`.
        polygon: `(corners, 2)`, closed from the last corner to the first.

    Returns:
        `(...)` bool. For places on the polygon itself it may be either.
    """
    first, second = places[..., 0, None], places[..., 1, None]
    starts, ends = polygon, np.roll(polygon, -1, axis=0)
    crosses = (starts[:, 1] > second) != (ends[:, 1] > second)
    rise = np.where(ends[:, 1] == starts[:, 1], 1, ends[:, 1] - starts[:, 1])
    at = starts[:, 0] + (second - starts[:, 1]) / rise * (ends[:, 0] - starts[:, 0])
    return (crosses & (first < at)).sum(axis=-1) % 2 == 1


def _mean_area(areas, polygons):
    """Returns the mean area of the cells whose middle lies in one of the polygons on the grid."""
    middles = np.moveaxis(np.indices(areas.shape), 0, -1) + 0.5
    inside = np.any([inside_polygon(middles, polygon) for polygon in polygons], axis=0)
    return float(areas[inside].mean()) if inside.any() else float("nan")
