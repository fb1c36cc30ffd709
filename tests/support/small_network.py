"""Small networks of a toy face, whose head looks at the photograph."""

import keras
import numpy as np

from keras_3dmmstn import build_localiser, spatial_transformer
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import contour_lines
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.confidence import with_confidence
from keras_3dmmstn.network.spread import with_spread

SIZE = 48


def small_backbone(size=SIZE):
    """One convolution: enough to tell photographs apart."""
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 5, strides=4, activation="relu"),
            keras.layers.Flatten(),
        ]
    )


def look_at_photographs(localiser, half_profile=True):
    """Gives the head random weights: with those of a new one it says the mean face.

    In half profile, turned by about 1.2 rad, much of the face is hidden.
    """
    rng = np.random.default_rng(1)
    head = localiser.get_layer("head")
    kernel, bias = head.get_weights()
    bias = rng.normal(0, 0.5, bias.shape)
    if half_profile:
        bias[:3] = [1.0, -4.0, 0.5]
    head.set_weights([rng.normal(0, 0.05, kernel.shape), bias])


def small_network(grid_model, image_size=SIZE, half_profile=True, **options):
    """A network with random weights; `options` are those of `spatial_transformer`."""
    keras.utils.set_random_seed(0)
    backbone = small_backbone(image_size)
    model = spatial_transformer(grid_model, backbone, image_size=image_size, **options)
    look_at_photographs(model.get_layer("localiser"), half_profile)
    return model


def small_normaliser(grid_model=None, confidence=False, **options):
    """A normaliser with random weights; of a toy face, 16 × 12, if no other is given.

    With a `confidence` there is a spread as well; their heads have random weights, too. `options`
    are those of `Normaliser`.
    """
    keras.utils.set_random_seed(0)
    grid_model = grid_model or toy_grid_model((16, 12))
    localiser = build_localiser(small_backbone(), grid_model, SIZE)
    look_at_photographs(localiser)
    localiser = with_spread(with_confidence(localiser)) if confidence else localiser
    return Normaliser(localiser, grid_model, **options)


def landmarks_of(grid_model, points, rotation):
    """The 68 landmarks among points `(N, 2)` in the image, the jaw's on the apparent contour."""
    landmarks = points[grid_model.landmarks["ibug68"]]
    for number, (line, direction) in enumerate(zip(*contour_lines(grid_model), strict=True)):
        outward = rotation[:2, :2] @ direction
        landmarks[number] = max(points[line], key=lambda point: point @ outward)
    return landmarks
