"""From a published head to a grid: reading, cutting out, flattening, re-meshing.

python benchmarks/model_building.py [--threads 2] [--quick] [--record]

The head is a toy face in the file format of the Basel Face Model 2017. Peers: reading the bare
arrays, libigl's harmonic map to the square, and SciPy's interpolation over the flattening.
`experiments/face_models.py` measures the published models themselves.
"""

import dataclasses
import tempfile
from functools import partial
from pathlib import Path

import h5py
import igl
import numpy as np
from scipy.interpolate import LinearNDInterpolator
from sizes import AXES, BASE, Size, sizes
from timing import Run

from keras_3dmmstn.mesh import ShapeModel
from keras_3dmmstn.mesh.cutting.face_region import cut_face
from keras_3dmmstn.mesh.flattening.flatten import flatten_symmetric
from keras_3dmmstn.mesh.flattening.resample import resample
from keras_3dmmstn.mesh.model_to_grid import model_to_grid
from keras_3dmmstn.mesh.quality import grid_uv
from keras_3dmmstn.mesh.readers.bfm2017 import read_bfm2017
from keras_3dmmstn.mesh.synthetic import toy_shape_model

SIDE = 101  # vertices along a side of the head; 10,201 in all
SIDES = (61, 141)
EVENNESS = 0.5  # the default of `model_to_grid`


def head(side: int, modes: int) -> ShapeModel:
    """Returns a toy head with so many modes, the smaller the later."""
    toy = toy_shape_model(side, side)
    basis = np.stack([toy.basis[k % toy.modes] / (1 + k // toy.modes) for k in range(modes)])
    return dataclasses.replace(toy, basis=basis, identity_count=modes, mirror=None)


def write_as_basel(model: ShapeModel, path: Path) -> None:
    """Writes a model in the layout of the Basel Face Model 2017."""
    size = 3 * len(model.mean)
    upward = np.array([1, -1, -1])
    with h5py.File(path, "w") as file:
        file["shape/model/mean"] = (model.mean * upward).reshape(size)
        file["shape/model/pcaBasis"] = (model.basis * upward).reshape(-1, size).T
        file["shape/model/pcaVariance"] = np.ones(model.modes)
        file["shape/representer/points"] = (model.mean * upward).T
        file["shape/representer/cells"] = model.triangles.T.astype(np.int32)


def bare_arrays(path: Path) -> list[np.ndarray]:
    """Reads all arrays of a file."""
    with h5py.File(path) as file:
        found: list[np.ndarray] = []
        file.visititems(
            lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None
        )
    return found


def harmonic_map(face: ShapeModel) -> np.ndarray:
    """Flattens a disc by libigl's harmonic map, its boundary on the square by arc length."""
    vertices, triangles = face.mean.astype(float), face.triangles.astype(np.int64)
    rim = igl.boundary_loop(triangles)
    step = np.linalg.norm(vertices[np.roll(rim, -1)] - vertices[rim], axis=1)
    around = 4 * np.concatenate([[0], np.cumsum(step)[:-1]]) / step.sum()
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], float)
    square = np.stack([np.interp(around, np.arange(5), corners[:, axis]) for axis in (0, 1)], 1)
    return igl.harmonic(vertices, triangles, rim, square, 1)


def interpolated(face: ShapeModel, uv: np.ndarray, grid: int) -> np.ndarray:
    """Re-meshes mean and basis by SciPy's linear interpolation."""
    values = np.concatenate([face.mean[None], face.basis]).transpose(1, 0, 2)
    values = values.reshape(len(face.mean), -1)
    return LinearNDInterpolator(uv, values, fill_value=0)(grid_uv((grid, grid)))


def compare_by_head(run: Run, side: int) -> ShapeModel:
    """Times what depends on the head's mesh, and returns its face."""
    model = head(side, modes=10)
    face, vertices = cut_face(model), len(model.mean)
    run.compare("cut out", {"ours": partial(cut_face, model)}, vertices=vertices)
    mesh = face.mean, face.triangles, face.mirror
    run.compare(
        "flatten",
        {
            "ours": partial(flatten_symmetric, *mesh, EVENNESS),
            "ours, as in the paper": partial(flatten_symmetric, *mesh, 0.0),
        },
        {"libigl harmonic": partial(harmonic_map, face)},
        1,
        vertices=vertices,
    )
    run.compare(
        "head to grid, all steps", {"ours": partial(model_to_grid, model)}, vertices=vertices
    )
    return face


def compare_by_size(run: Run, size: Size, cut: ShapeModel, uv: np.ndarray, folder: Path) -> None:
    """Times what depends on grid and modes."""
    path = folder / "head.h5"
    if size.of("grid") == BASE.of("grid"):
        write_as_basel(head(SIDE, size.modes), path)
        run.compare(
            "read",
            {"ours": partial(read_bfm2017, path)},
            {"h5py, arrays alone": partial(bare_arrays, path)},
            **size.of("modes"),
        )
    basis = np.stack([cut.basis[k % cut.modes] for k in range(size.modes)])
    face = dataclasses.replace(cut, basis=basis, identity_count=size.modes)
    run.compare(
        "re-mesh",
        {"ours": partial(resample, face, uv, (size.grid, size.grid))},
        {"SciPy LinearNDInterpolator": partial(interpolated, face, uv, size.grid)},
        **size.of("grid", "modes"),
    )


def main():
    """Times all steps at all sizes."""
    run = Run.from_command_line(__doc__, __file__)
    face = compare_by_head(run, SIDE)
    uv = flatten_symmetric(face.mean, face.triangles, face.mirror, EVENNESS)
    axes = {} if run.quick else {axis: AXES[axis] for axis in ("grid", "modes")}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes(axes=axes):
            compare_by_size(run, size, face, uv, Path(folder))
    for side in () if run.quick else SIDES:
        compare_by_head(run, side)
    run.write()


if __name__ == "__main__":
    main()
