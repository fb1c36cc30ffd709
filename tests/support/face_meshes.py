"""Toy faces with what published meshes have: holes, other pieces, no symmetry, cavities."""

import dataclasses

import numpy as np

from keras_3dmmstn.mesh import ShapeModel
from keras_3dmmstn.mesh.synthetic import toy_shape_model


def without_symmetry(model: ShapeModel, shift: float = 0.3) -> ShapeModel:
    """Re-samples the toy face between its columns: no vertex has a mirror image, none is at x = 0.

    All diagonals fall the same way. Landmarks go to the nearest vertices.
    """
    side = round(len(model.mean) ** 0.5)

    def between(points):
        grid = points.reshape(side, side, 3)
        return ((1 - shift) * grid[:, :-1] + shift * grid[:, 1:]).reshape(-1, 3)

    index = np.arange(side * (side - 1)).reshape(side, side - 1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    mean = between(model.mean)
    landmarks = {
        name: [int(np.linalg.norm(mean - model.mean[v], axis=1).argmin()) for v in points]
        for name, points in model.landmarks.items()
    }
    return dataclasses.replace(
        model,
        mean=mean,
        basis=np.stack([between(mode) for mode in model.basis]),
        triangles=np.stack([a, c, d, a, d, b], axis=-1).reshape(-1, 3),
        landmarks=landmarks,
        mirror=None,
    )


def with_holes(model: ShapeModel) -> ShapeModel:
    """Cuts out both eyes and a slit between the lips."""
    centre = model.mean[model.triangles].mean(axis=1)
    x, y = np.abs(centre[:, 0]), centre[:, 1]
    eye = np.hypot(x - 31, y + 24) < 7
    mouth = (x < 15) & (np.abs(y - 50) < 3)
    return dataclasses.replace(model, triangles=model.triangles[~(eye | mouth)], mirror=None)


def with_eyeballs(model: ShapeModel) -> ShapeModel:
    """Adds two pieces of their own behind the eyes."""
    corners = np.array([[0, 0, -8], [8, 0, 5], [-8, 5, 5], [0, -8, 5.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    balls = [corners + [x, -24, 30] for x in (-31, 31)]
    count = len(model.mean)
    return dataclasses.replace(
        model,
        mean=np.concatenate([model.mean, *balls]),
        basis=np.concatenate([model.basis, np.zeros((model.modes, 8, 3))], axis=1),
        triangles=np.concatenate([model.triangles, faces + count, faces + count + 4]),
        mirror=None,
    )


def with_mouth_cavity(model: ShapeModel, depth: float = 60.0) -> ShapeModel:
    """Pushes the inside of the mouth back, as a bag behind the lips."""
    x, y, _ = model.mean.T
    inside = np.clip(1.6 - np.hypot(x / 14, (y - 50) / 6), 0, 1)
    # What is deep in the bag is spread out evenly along it.
    bag = np.stack([0 * x, 0 * x, depth * inside], axis=1)
    return dataclasses.replace(model, mean=model.mean + bag)


def toy_face() -> ShapeModel:
    """A fresh toy face without its mirror map."""
    return dataclasses.replace(toy_shape_model(), mirror=None)
