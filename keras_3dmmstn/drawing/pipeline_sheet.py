"""Draws the pipeline: the network's results for a few fixed faces."""

from collections.abc import Sequence

import cv2
import numpy as np

from keras_3dmmstn.drawing.overlay import draw_fit
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.texture import sample_photograph
from keras_3dmmstn.mesh.finer_grid import interpolate_grid
from keras_3dmmstn.network.framing import CROP_TO_BOX

#: The columns of a sheet, as in Figure 6 of Bas et al. 2017.
COLUMNS = ("input", "fitted mesh", "sampled texture", "mask", "masked texture")


def pipeline_sheet(
    normaliser: Normaliser, crops: Sequence[np.ndarray], size: int = 224
) -> np.ndarray:
    """Draws the pipeline for some crops: input, fitted mesh, texture, mask and masked texture.

    Args:
        normaliser: the network in its current state.
        crops: images `(image_size, image_size, 3)` uint8 RGB, framed for the network.
        size: side of each picture in pixels.

    Returns:
        `(size · crops, 5 · size, 3)` uint8 RGB; a row for each crop.
    """
    return np.concatenate([_row(normaliser, crop, size) for crop in crops])


def _row(normaliser, crop, size):
    """Draws one face, `(size, 5 · size, 3)`."""
    # The box for which the whole image is the crop.
    middle, half = (len(crop) - 1) / 2, len(crop) / CROP_TO_BOX / 2
    box = [middle - half, middle - half, middle + half, middle + half]
    (face,) = normaliser(crop, [box])
    grid = interpolate_grid(face.points.reshape(*face.grid_shape, 2), face.mask.shape)
    sampled = sample_photograph(crop, grid)
    mask = np.repeat(face.mask[..., None] * np.uint8(255), 3, axis=2)
    pictures = (crop, draw_fit(crop, [face]), sampled, mask, face.texture)
    return np.concatenate([_resized(picture, size) for picture in pictures], axis=1)


def _resized(picture, size):
    """Enlarges a square picture, or averages it down."""
    way = cv2.INTER_AREA if len(picture) > size else cv2.INTER_LINEAR
    return cv2.resize(picture, (size, size), interpolation=way)
