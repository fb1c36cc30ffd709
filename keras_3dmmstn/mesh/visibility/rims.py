"""The rims of a face model's regions: the inside counts as visible where the rim is."""

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.grid_model import GridModel

# How far outside a region its rim is taken, in widths of the texture: 2 vertices of 112; further
# where lips hide each other, and where the tip of the nose hides what is under it.
_MARGIN, _WIDE_MARGIN = 2 / 112, 5 / 112
_WIDE = ("mouth", "nostril")


def visibility_rims(grid_model: GridModel) -> np.ndarray:
    """Returns, for each vertex, the one whose visibility it shares.

    The caps behind lips and lids are not part of the skin. The lips hide what lies between them
    although a photograph shows the lips there, and a cap that is hit or missed by a depth test
    leaves specks in a mask. So each vertex of a region (`GridModel.regions`) follows the vertex of
    its rim that is nearest in the texture; every other vertex stands for itself. The rim is taken
    a little outside the region, as lips that touch also hide each other's edges.

    Args:
        grid_model: the face model.

    Returns:
        `(H'·W',)` int32 vertex indices.
    """
    rows, columns = grid_model.grid_shape
    follows = np.arange(rows * columns)
    every = np.zeros(rows * columns, bool)
    place = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
    widened = []
    for name, region in grid_model.regions.items():
        margin = _WIDE_MARGIN if name.endswith(_WIDE) else _MARGIN
        widened.append(_widened(region, (rows, columns), round(columns * margin)))
        every |= widened[-1]
    for region in widened:
        rim = np.flatnonzero(_widened(np.flatnonzero(region), (rows, columns), 1) & ~every)
        if len(rim):
            follows[region] = rim[cKDTree(place[rim]).query(place[region])[1]]
    return follows.astype(np.int32)


def _widened(region, shape, steps):
    """Returns which vertices `(H'·W',)` are in a region or within so many steps of it."""
    inside = np.zeros(shape, bool)
    inside.ravel()[region] = True
    if steps:  # 0 iterations would continue until nothing changes
        inside = binary_dilation(inside, np.ones((3, 3)), iterations=steps)
    return inside.ravel()
