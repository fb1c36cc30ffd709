"""The morphable model of cars on a grid, from registered meshes."""

import functools
from dataclasses import replace

import car_shapes
import numpy as np

from keras_3dmmstn import GridModel, ShapeModel
from keras_3dmmstn.mesh import (
    flatten_least_distorted,
    flatten_symmetric,
    resample,
    shape_model_from_meshes,
)

GRID, MODES, MESHES = (65, 65), 10, 200


@functools.cache
def car_surface(meshes: int = MESHES, modes: int = MODES) -> tuple[ShapeModel, np.ndarray]:
    """Returns the shape model of random cars and its flattening `(N, 2)`."""
    rng = np.random.default_rng(2017)
    bodies = np.array([car_shapes.body(car_shapes.random_shape(rng)) for _ in range(meshes)])
    model = shape_model_from_meshes(
        bodies,
        car_shapes.triangles(),
        modes,
        {"car": car_shapes.landmarks()},
        symmetric=True,
        name="car bodies",
    )
    start = flatten_symmetric(model.mean, model.triangles, model.mirror, evenness=0.5)
    uv = flatten_least_distorted(model.mean, model.triangles, model.mirror, start=start)
    return model, uv


def car_model(grid_shape: tuple[int, int] = GRID) -> GridModel:
    """Returns the model on a grid."""
    return resample(*car_surface(), grid_shape)


def on_the_grid(body: np.ndarray, grid_shape: tuple[int, int] = GRID) -> np.ndarray:
    """Returns where the grid's vertices are on a car `(N, 3)` that the model was not made of."""
    model, uv = car_surface()
    of_the_car = replace(model, basis=body[None], identity_count=1)
    return resample(of_the_car, uv, grid_shape).basis[0]
