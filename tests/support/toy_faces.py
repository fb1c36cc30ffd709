"""Toy faces in a photograph whose colours say where they come from."""

import copy
import functools

import numpy as np

from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.faces_with_labels import BOX, normaliser_that_says

# A face turned by about 0.6 rad, with some identity and expression.
TURNED = (0, 2, 0.2, 0, 0, 0, 1, 0, 0, 2)


def coordinate_photograph():
    """A photograph 200 high and 240 wide whose red is x and green is y."""
    y, x = np.mgrid[:200, :240]
    return np.stack([x, y, np.full_like(x, 90)], axis=-1).astype(np.uint8)


@functools.cache
def _normaliser(raw, focal_length):
    plain = normaliser_that_says(raw)
    return Normaliser(plain.localiser, plain.grid_model, focal_length=focal_length)


def toy_face(raw=(), box=tuple(BOX), texture_size=None, focal_length=None):
    """The face of such a photograph for which the network answers `raw`."""
    normaliser = copy.copy(_normaliser(raw, focal_length))
    normaliser.texture_size = texture_size
    return normaliser(coordinate_photograph(), [box])[0]
