"""A small network to export, whose head looks at the photograph."""

import keras
import numpy as np

from keras_3dmmstn import build_localiser
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.synthetic import toy_grid_model

SIZE = 48


def small_normaliser(grid_model=None):
    """A normaliser with random weights; of a toy face, 16 × 12, if no other is given."""
    keras.utils.set_random_seed(0)
    grid_model = grid_model or toy_grid_model((16, 12))
    backbone = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 5, strides=4, activation="relu"),
            keras.layers.Flatten(),
        ]
    )
    localiser = build_localiser(backbone, grid_model, SIZE)
    rng = np.random.default_rng(1)
    head = localiser.get_layer("head")
    kernel, bias = head.get_weights()
    bias = rng.normal(0, 0.5, bias.shape)
    bias[:3] = [1.0, -4.0, 0.5]  # turned to a side by about 1.2 rad, so that much is hidden
    head.set_weights([rng.normal(0, 0.05, kernel.shape), bias])
    return Normaliser(localiser, grid_model)
