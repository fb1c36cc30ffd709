"""FLAME 2020 and 2023, in the neutral pose."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.formats.array_pickle import array_of, load_array_pickle
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, JAW_POINTS
from keras_3dmmstn.mesh.numpy_files import read_npz
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.frames import outward_triangles, to_package_frame
from keras_3dmmstn.mesh.readers.jaw_line import jaw_line
from keras_3dmmstn.mesh.shape_model import ShapeModel

_ARRAYS = ("v_template", "shapedirs", "f")
# `shapedirs` contains the identity modes first; the rest are expressions.
_IDENTITY_MODES = 300

# From the lower lip to the chin, in distances from nose to lower lip: 0.9 to 1.3 in four models.
_CHIN_BELOW_LIP = 1.1

# Names of triangles and barycentric weights: of all 68 points, and of the inner 51.
_FULL = ("full_lmk_faces_idx", "full_lmk_bary_coords")
_INNER = ("lmk_face_idx", "lmk_b_coords")


def read_flame(
    path: str | Path,
    identity: int | None = None,
    expression: int | None = None,
    *,
    landmarks: str | Path | None = None,
) -> ShapeModel:
    """Reads FLAME from its `.pkl` (2020: generic_model.pkl, 2023: flame2023.pkl) or an `.npz`.

    The files contain `v_template` (N, 3) in metres, y up; `shapedirs` (N, 3, 400), 300 identity
    modes and then 100 expression modes, scaled by their standard deviation; and triangles `f`
    (T, 3) counted from 0. The pose is the neutral one: joints and pose corrections are not read.

    A pickle is read without running anything in it (`load_array_pickle`). Chumpy arrays count as
    arrays; chumpy need not be installed.

    Args:
        path: the `.pkl` or `.npz` file.
        identity, expression: how many modes to keep, None for all.
        landmarks: `landmark_embedding.npy` (all 68 points), or `flame_static_embedding.pkl` (the
            51 without the jaw, which is then placed by `jaw_line`). Each point goes to the
            corner of its triangle with the largest weight. None leaves them out: the model
            itself has no landmarks.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a file has the wrong content, contains objects other than arrays, or has
            fewer modes.

    Source:
        Li et al. 2017.
    """
    path = Path(path)
    arrays = read_npz(path, _ARRAYS) if path.suffix == ".npz" else _unpickled(path)
    checks.require(path, arrays, _ARRAYS, "FLAME")
    mean = checks.numbers(path, "v_template", arrays["v_template"], (None, 3))
    modes = checks.numbers(path, "shapedirs", arrays["shapedirs"], (*mean.shape, None))
    triangles = checks.triangles(path, "f", arrays["f"], len(mean))

    held = min(modes.shape[2], _IDENTITY_MODES)
    identity = checks.mode_count(path, "identity", identity, held)
    expression = checks.mode_count(path, "expression", expression, modes.shape[2] - held)
    kept = [*range(identity), *range(held, held + expression)]

    mean = to_package_frame(mean, "m")
    outward = outward_triangles(mean, triangles)
    sets = {}
    if landmarks is not None:
        # The embedding refers to the triangles and their corners in the file's order.
        sets["ibug68"] = _read_embedding(Path(landmarks), mean, triangles)
    return ShapeModel(
        mean=mean,
        basis=to_package_frame(modes[:, :, kept].transpose(2, 0, 1), "m"),
        triangles=outward,
        landmarks=sets,
        identity_count=identity,
        name="FLAME",
    )


def _unpickled(path):
    """Returns the arrays of FLAME's pickle by name."""
    arrays = load_array_pickle(path)
    if not isinstance(arrays, dict):
        raise ValueError(
            f"{path}: expected a dictionary with {', '.join(_ARRAYS)}, "
            f"received {type(arrays).__name__}."
        )
    return {name: array_of(value) for name, value in arrays.items() if isinstance(name, str)}


def _read_embedding(path, mean, triangles):
    """Returns the 68 landmark vertices of an embedding file."""
    embedding = load_array_pickle(path)
    names = next(
        (n for n in (_FULL, _INNER) if isinstance(embedding, dict) and n[0] in embedding), None
    )
    if names is None:
        raise ValueError(
            f"{path}: expected a landmark embedding of FLAME, with {_FULL[0]} or {_INNER[0]}."
        )
    checks.require(path, embedding, names, "a landmark embedding of FLAME")
    count = IBUG68_COUNT if names is _FULL else IBUG68_COUNT - JAW_POINTS
    held = [checks.as_array(path, name, array_of(embedding[name])) for name in names]
    faces = checks.numbers(path, names[0], np.ravel(held[0]), (count,))
    faces = checks.indices(path, f"{names[0]} (triangles)", faces, len(triangles))
    weights = held[1]
    if names is _FULL and weights.ndim == 3 and len(weights):
        weights = weights[0]
    weights = checks.numbers(path, names[1], weights, (count, 3))
    points = triangles[faces, weights.argmax(axis=1)]
    if names is _FULL:
        return points
    inner = np.concatenate([np.full(JAW_POINTS, -1), points])
    try:
        chin = _chin(mean, inner)
        inner[:JAW_POINTS] = jaw_line(mean, triangles, chin, (inner[36], inner[45]))
    except ValueError as error:
        raise ValueError(f"{path}: expected landmarks that lie on a face: {error}") from error
    return inner


def _chin(mean, points):
    """Returns a vertex for point 8, straight below the lower lip."""
    nose, lip = mean[points[33]], mean[points[57]]
    length = np.linalg.norm(lip - nose)
    if not length > 0:
        raise ValueError("the nose and the lower lip are in one place.")
    target = lip[:2] + [0.0, _CHIN_BELOW_LIP * length]
    distance = np.linalg.norm(mean[:, :2] - target, axis=1)
    near = np.flatnonzero(distance < distance.min() + 0.3 * length)
    # The neck and the inside of the mouth lie behind.
    front = near[mean[near, 2] < mean[near, 2].min() + 0.5 * length]
    return int(front[distance[front].argmin()])
