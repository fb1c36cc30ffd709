"""Faces of any size to measure on; they need no outside data."""

from functools import cache

import cv2
import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.export.comparison_photographs import rendered_photographs
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.localiser import rest_pose
from keras_3dmmstn.network.residual_localisers import compact_localiser

_FACES = 4  # that are rendered; a batch repeats them


@cache
def face_model(grid: int, modes: int) -> GridModel:
    """Returns the bundled face model on another grid, its modes repeated or cut to so many.

    A mode that is repeated is smaller by half each time, so that faces stay faces.
    """
    bundled = GridModel.bundled()
    if (grid, modes) == (bundled.grid_shape[0], bundled.modes):
        return bundled
    rows, columns = bundled.grid_shape

    def enlarged(points):
        plane = points.reshape(rows, columns, 3)
        return cv2.resize(plane, (grid, grid), interpolation=cv2.INTER_LINEAR).reshape(-1, 3)

    basis = [
        enlarged(bundled.basis[k % bundled.modes]) / 2 ** (k // bundled.modes) for k in range(modes)
    ]
    landmarks = {}
    for name, index in bundled.landmarks.items():
        place = np.stack(np.divmod(index, columns)) * (grid - 1) / (rows - 1)
        row, column = np.rint(place).astype(np.int32)
        landmarks[name] = row * grid + column
    return GridModel(
        enlarged(bundled.mean), np.stack(basis), (grid, grid), landmarks, min(24, modes), "resized"
    )


@cache
def photographs(batch: int, image: int) -> tf.Tensor:
    """Returns photographs of rendered faces, `(batch, image, image, 3)` float32, 0..255."""
    rendered = rendered_photographs(GridModel.bundled(), image, min(batch, _FACES))
    return tf.constant(np.resize(rendered, (batch, image, image, 3)))


def parameters(model: GridModel, batch: int, image: int) -> np.ndarray:
    """Returns parameters θ `(batch, 6 + D)` of faces that look about to the front, in a crop."""
    rng = np.random.default_rng(0)
    t, log_scale = rest_pose(model, image)
    theta = np.zeros((batch, 6 + model.modes), np.float32)
    theta[:, :3] = rng.normal(0, 0.25, (batch, 3))
    theta[:, 3:5] = t + rng.normal(0, 0.02 * image, (batch, 2))
    theta[:, 5] = log_scale + rng.normal(0, 0.05, batch)
    theta[:, 6:] = rng.normal(0, 0.7, (batch, model.modes))
    return theta


def untrained_normaliser(model: GridModel, image: int) -> Normaliser:
    """Returns a normaliser with a compact localiser, whose faces look about to the front."""
    keras.utils.set_random_seed(0)
    localiser = compact_localiser(model, image)
    head = localiser.get_layer("head")
    kernel, bias = head.get_weights()
    noise = np.random.default_rng(0).normal(0, 0.02, kernel.shape)
    head.set_weights([noise, bias])
    return Normaliser(localiser, model)
