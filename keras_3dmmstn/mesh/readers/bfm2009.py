"""The Basel Face Model of 2009, with 3DDFA's expressions on top: the paper's model."""

import warnings
from pathlib import Path

import igl
import numpy as np
from scipy.sparse.linalg import MatrixRankWarning, spsolve

from keras_3dmmstn.mesh.formats.mat_file import read_mat
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.annotations import read_annotations
from keras_3dmmstn.mesh.readers.frames import outward_triangles, to_package_frame
from keras_3dmmstn.mesh.shape_model import ShapeModel

_SHAPE = ("shapeMU", "shapePC", "shapeEV", "tl")
_EXPRESSION = ("mu_exp", "w_exp", "sigma_exp")
# Names of the map from the expression model's vertices to the whole model's, and its first number.
_MAPS = {"trimIndex": 1, "map_tddfa_to_basel": 0}


def read_bfm2009(
    path: str | Path,
    identity: int | None = 5,
    expression: int | None = None,
    *,
    expressions: str | Path | None = None,
    vertex_map: str | Path | None = None,
    landmarks: str | Path | None = None,
) -> ShapeModel:
    """Reads the Basel Face Model 2009 from `01_MorphableModel.mat`.

    The file is in micrometres, y up, with unit basis vectors `shapePC`, their standard deviations
    `shapeEV` and triangles `tl` counted from 1.

    3DDFA's `Model_Expression.mat` has mean `mu_exp`, vectors `w_exp` and standard deviations
    `sigma_exp` on 53,215 of the 53,490 vertices. They are extended to the others (inside the
    mouth) as harmonic functions on the mean face: L d = 0 there, with the cotangent Laplacian L,
    and d as given elsewhere. The authors' preparation solves for the same functions in a
    least-squares sense, leaves out `mu_exp` and does not scale by `sigma_exp`.

    Args:
        path: `01_MorphableModel.mat`.
        identity: how many identity modes to keep, None for all.
        expression: how many expression modes to keep, None for 5 if `expressions` is given and
            otherwise for none.
        expressions: 3DDFA's `Model_Expression.mat`.
        vertex_map: a `.mat` with `trimIndex` (3DDFA's model_info.mat, from 1) or
            `map_tddfa_to_basel` (the paper's authors' file, from 0). None takes the file
            `model_info.mat` or `map_tddfa_to_basel.mat` beside `expressions`.
        landmarks: an `.anl` file or a folder of them (`read_annotations`). The model itself has
            no landmarks.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a file has the wrong content or fewer modes.

    Source:
        Paysan et al. 2009; Zhu et al. 2016 (3DDFA); Bas et al. 2017, sec. 2.3.
    """
    arrays = read_mat(path, _SHAPE)
    checks.require(path, arrays, _SHAPE, "the Basel Face Model 2009")
    mean = _points(path, "shapeMU", arrays["shapeMU"])
    basis = _modes(path, "shapePC", arrays["shapePC"], len(mean))
    deviation = np.ravel(arrays["shapeEV"])
    checks.numbers(path, "shapeEV", deviation, (len(basis),))
    faces = checks.triangles(path, "tl", arrays["tl"], len(mean), first=1)
    count = checks.mode_count(path, "identity", identity, len(basis))
    basis = basis[:count] * deviation[:count, None, None]

    if expressions is None:
        checks.mode_count(f"{path} without `expressions`", "expression", expression, 0)
    else:
        asked = 5 if expression is None else expression
        offset, modes = _read_expressions(Path(expressions), vertex_map, asked, mean, faces)
        mean, basis = mean + offset, np.concatenate([basis, modes])
    return ShapeModel(
        mean=to_package_frame(mean, "um"),
        basis=to_package_frame(basis, "um"),
        triangles=outward_triangles(mean, faces),
        landmarks={} if landmarks is None else read_annotations(landmarks, len(mean)),
        identity_count=count,
        name="Basel Face Model 2009",
    )


def _points(path, name, array):
    """Returns positions `(N, 3)` from a column of x, y, z of one vertex after another."""
    column = np.ravel(array)
    if len(column) % 3:
        raise ValueError(
            f"{path}: expected `{name}` of shape (3 · vertices, 1), received {array.shape}."
        )
    return checks.numbers(path, name, column, (None,)).reshape(-1, 3)


def _modes(path, name, array, vertex_count):
    """Returns modes `(K, N, 3)` from a matrix with a mode in each column."""
    matrix = checks.numbers(path, name, array, (3 * vertex_count, None))
    return matrix.T.reshape(-1, vertex_count, 3)


def _read_expressions(path, vertex_map, asked, mean, faces):
    """Returns the mean expression `(N, 3)` and unit-variance modes `(E, N, 3)`."""
    arrays = read_mat(path, _EXPRESSION)
    checks.require(path, arrays, _EXPRESSION, "3DDFA's Model_Expression.mat")
    offset = _points(path, "mu_exp", arrays["mu_exp"])
    modes = _modes(path, "w_exp", arrays["w_exp"], len(offset))
    deviation = checks.numbers(path, "sigma_exp", np.ravel(arrays["sigma_exp"]), (len(modes),))
    count = checks.mode_count(path, "expression", asked, len(modes))
    modes = modes[:count] * deviation[:count, None, None]

    known = _read_map(path, vertex_map, len(offset), len(mean))
    known_values = np.concatenate([offset[None], modes])
    extended = _extend_harmonically(mean, faces, known, known_values)
    return extended[0], extended[1:]


def _read_map(expressions_path, given, count, vertex_count):
    """Returns, for each vertex of the expression model, its index in the whole model."""
    candidates = (
        [Path(given)]
        if given is not None
        else [expressions_path.with_name(f"{n}.mat") for n in ("model_info", "map_tddfa_to_basel")]
    )
    path = next((file for file in candidates if given is not None or file.is_file()), None)
    if path is None:
        raise ValueError(
            f"{expressions_path}: expected model_info.mat or map_tddfa_to_basel.mat beside it, or "
            "`vertex_map`: the expression model has fewer vertices than the shape model."
        )
    arrays = read_mat(path, _MAPS)
    name = next((name for name in _MAPS if name in arrays), None)
    if name is None:
        raise ValueError(f"{path}: expected `trimIndex` or `map_tddfa_to_basel`, received neither.")
    numbers = checks.numbers(path, name, np.ravel(arrays[name]), (count,))
    known = checks.indices(path, name, numbers, vertex_count, first=_MAPS[name])
    if len(np.unique(known)) != len(known):
        raise ValueError(f"{path}: expected each vertex once in `{name}`, received some twice.")
    return known


def _extend_harmonically(vertices, triangles, known, values):
    """Extends values `(D, K, 3)` at K vertices to all, `(D, N, 3)`; L d = 0 at the others."""
    extended = np.zeros((len(values), len(vertices), 3))
    extended[:, known] = values
    unknown = np.setdiff1d(np.arange(len(vertices)), known)
    if not len(unknown):
        return extended
    laplacian = igl.cotmatrix(np.asarray(vertices, np.float64), triangles).tocsc()[unknown]
    right = -laplacian[:, known] @ values.transpose(1, 0, 2).reshape(len(known), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MatrixRankWarning)
        solution = spsolve(laplacian[:, unknown], right)
    if not np.isfinite(solution).all():
        raise ValueError(
            "Expected every vertex that the expressions lack to be connected to one that they "
            "have, and triangles with an area."
        )
    extended[:, unknown] = solution.reshape(len(unknown), len(values), 3).transpose(1, 0, 2)
    return extended
