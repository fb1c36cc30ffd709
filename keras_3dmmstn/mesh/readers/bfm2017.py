"""The Basel Face Models of 2017 and 2019, in statismo's HDF5 layout."""

import json
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.formats.hdf5_file import read_hdf5
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.frames import outward_triangles, to_package_frame
from keras_3dmmstn.mesh.shape_model import ShapeModel

_POINTS, _CELLS = "shape/representer/points", "shape/representer/cells"
_SHAPE = ("shape/model/mean", "shape/model/pcaBasis", "shape/model/pcaVariance", _POINTS, _CELLS)
_EXPRESSION = tuple(f"expression/model/{name}" for name in ("mean", "pcaBasis", "pcaVariance"))
_LANDMARKS = "metadata/landmarks/json"


def read_bfm2017(
    path: str | Path, identity: int | None = None, expression: int | None = None
) -> ShapeModel:
    """Reads a Basel Face Model 2017 or 2019 (`model2017-1_bfm_nomouth.h5`, `model2019_...`).

    The file is in millimetres, y up: unit basis vectors in the columns of `pcaBasis`, their
    variances in `pcaVariance`, triangles in the columns of `cells`, counted from 0. The mean
    face is the sum of the means of shape and expression.

    The named landmarks of `metadata/landmarks/json` become the set `basel`: the nearest vertices,
    in the alphabetical order of the names. They are not the points of `ibug68`.

    Args:
        path: the `.h5` file.
        identity, expression: how many modes to keep, None for all. A file without an expression
            model has 0 of them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file has the wrong content or fewer modes.

    Source:
        Gerig et al. 2018.
    """
    arrays = read_hdf5(path, (*_SHAPE, *_EXPRESSION, _LANDMARKS))
    checks.require(path, arrays, _SHAPE, "a Basel Face Model")
    points = checks.numbers(path, _POINTS, arrays[_POINTS], (3, None)).T
    cells = checks.numbers(path, _CELLS, arrays[_CELLS], (3, None))
    mean, modes = _linear_model(path, arrays, "shape", identity, len(points))
    identity_count = len(modes)
    if any(name in arrays for name in _EXPRESSION):
        checks.require(path, arrays, _EXPRESSION, "an expression model")
        offset, expressions = _linear_model(path, arrays, "expression", expression, len(points))
        mean, modes = mean + offset, np.concatenate([modes, expressions])
    else:
        checks.mode_count(path, "expression", expression, 0)
    triangles = checks.triangles(path, _CELLS, cells.T, len(points))
    return ShapeModel(
        mean=to_package_frame(mean, "mm"),
        basis=to_package_frame(modes, "mm"),
        triangles=outward_triangles(mean, triangles),
        landmarks=_named_landmarks(path, arrays, points),
        identity_count=identity_count,
        name="Basel Face Model 2017/2019",
    )


def _linear_model(path, arrays, part, asked, vertex_count):
    """Returns the mean `(N, 3)` and unit-variance modes `(K, N, 3)` of shape or expression."""
    mean, basis, variance = (f"{part}/model/{name}" for name in ("mean", "pcaBasis", "pcaVariance"))
    size = 3 * vertex_count
    vectors = checks.numbers(path, basis, arrays[basis], (size, None))
    variances = checks.numbers(path, variance, arrays[variance], (vectors.shape[1],))
    if variances.min() < 0:
        raise ValueError(f"{path}: expected variances in `{variance}`, received {variances.min()}.")
    kind = "identity" if part == "shape" else part
    count = checks.mode_count(path, kind, asked, vectors.shape[1])
    modes = (vectors[:, :count] * np.sqrt(variances[:count])).T
    centre = checks.numbers(path, mean, arrays[mean], (size,))
    return centre.reshape(-1, 3), modes.reshape(count, vertex_count, 3)


def _named_landmarks(path, arrays, points):
    """Returns the set `basel`, or nothing if the file names no landmarks."""
    if _LANDMARKS not in arrays:
        return {}
    try:
        entries = json.loads(np.ravel(arrays[_LANDMARKS])[0])
        named = {entry["id"]: entry["coordinates"] for entry in entries}
        positions = [named[name] for name in sorted(named)]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: expected `{_LANDMARKS}` to be a list of landmarks, each with `id` and "
            f"`coordinates`: {error}."
        ) from error
    if not len(positions):
        return {}
    places = checks.numbers(path, _LANDMARKS, positions, (None, 3))
    return {"basel": cKDTree(points).query(places)[1]}
