"""The rims of a face model's regions: what is inside is seen where the rim is."""

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.grid_model import GridModel


def visibility_rims(grid_model: GridModel) -> np.ndarray:
    """Returns for each vertex the one whose visibility it shares.

    The caps behind lips and lids are no part of the skin: the lips hide what lies between them
    although a photograph shows the lips there, and a cap that is hit or missed by a depth test
    leaves specks in a mask. So each vertex of a region (`GridModel.regions`) follows the nearest
    vertex of its rim, nearest in the texture; all others are on their own.

    Args:
        grid_model: the face model.

    Returns:
        `(H'·W',)` int32 vertex indices.
    """
    rows, columns = grid_model.grid_shape
    follows = np.arange(rows * columns)
    every = np.zeros(rows * columns, bool)
    for region in grid_model.regions.values():
        every[region] = True
    for region in grid_model.regions.values():
        inside = np.zeros((rows, columns), bool)
        inside.ravel()[region] = True
        around = binary_dilation(inside, np.ones((3, 3))).ravel() & ~every
        rim = np.flatnonzero(around)
        if len(rim):
            place = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
            follows[region] = rim[cKDTree(place[rim]).query(place[region])[1]]
    return follows.astype(np.int32)
