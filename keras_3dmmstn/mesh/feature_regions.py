"""The insides of eyes and mouth on a grid, for models that do not name them."""

from dataclasses import replace

import igl
import numpy as np

from keras_3dmmstn.mesh.grid_model import GridModel

# The contours among the points of ibug68.
_CONTOURS = {"left_eye": range(36, 42), "mouth": range(60, 68)}


def with_feature_regions(grid_model: GridModel) -> GridModel:
    """Returns a model with the regions `left_eye`, `right_eye` and `mouth`.

    They are the vertices inside the polygons that the landmarks form on the grid.

    Args:
        grid_model: a model; one that has regions or lacks `ibug68` is returned unchanged.
    """
    if grid_model.regions or "ibug68" not in grid_model.landmarks:
        return grid_model
    rows, columns = grid_model.grid_shape
    row, column = np.divmod(grid_model.landmarks["ibug68"], columns)
    place = np.stack([row, column], axis=1).astype(np.float64)
    every = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1).astype(np.float64)
    regions = {}
    for name, points in _CONTOURS.items():
        corners = np.arange(len(points))
        edges = np.stack([corners, np.roll(corners, -1)], axis=1)
        turns = igl.winding_number(place[list(points)], edges, every)
        contour = grid_model.landmarks["ibug68"][list(points)]
        regions[name] = np.setdiff1d(np.flatnonzero(np.abs(turns) > 0.5), contour)
    regions["right_eye"] = np.sort(grid_model.mirror[regions["left_eye"]])
    return replace(grid_model, regions=regions)
