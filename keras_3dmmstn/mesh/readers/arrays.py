"""Any linear shape model from an `.npz` file of named arrays."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.numpy_files import read_npz
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.frames import check_frame, outward_triangles, to_package_frame
from keras_3dmmstn.mesh.shape_model import ShapeModel

_MEAN = ("mean", "v_template", "vertices", "shapeMU")
_BASIS = ("basis", "shapedirs", "components", "shapePC")
_TRIANGLES = ("triangles", "faces", "f", "tri", "quads", "faces_quad")
_LANDMARKS = {"ibug68": ("ibug68", "landmarks68"), "aflw21": ("aflw21", "landmarks21")}


def read_arrays(
    path: str | Path,
    identity: int | None = None,
    expression: int | None = None,
    *,
    unit: str = "mm",
    frame: str = "y up",
    first_index: int = 0,
) -> ShapeModel:
    """Reads a model from an `.npz` file, by the names of its arrays.

    | what | names | shapes |
    |---|---|---|
    | mean | mean, v_template, vertices, shapeMU | (N, 3), (3N,), (3N, 1) |
    | modes | basis, shapedirs, components, shapePC | (K, N, 3), (N, 3, K), (3N, K), (K, 3N) |
    | triangles or quads | triangles, faces, f, tri, quads, faces_quad | (T, 3), (3, T), (Q, 4) |
    | deviations, optional | standard_deviation | (K,), multiplies the modes |
    | identity modes, optional | identity_count | a number; None means all K |
    | landmarks, optional | ibug68 or landmarks68, aflw21 or landmarks21 | (68,), (21,) |

    Instead of the modes there may be `identity` and `expression`, with `identity_std` or
    `expression_std` if their vectors are not scaled by their standard deviation. A flat vector is
    x, y, z of one vertex after another. A file of `ShapeModel.save` is read as such.

    Args:
        path: the `.npz` file.
        identity, expression: how many modes to keep, None for all.
        unit: the file's unit, `"um"`, `"mm"`, `"cm"` or `"m"`.
        frame: the file's axes, `"y up"` (and z towards the viewer) or `"y down"` (and z away).
        first_index: the number of the first vertex, 1 for numbers from MATLAB.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if an array is missing or has another shape, or there are fewer modes.
    """
    check_frame("read_arrays", unit, frame)
    arrays = read_npz(path)
    if "kind" in arrays:
        return _keep_modes(path, ShapeModel.load(path), identity, expression)
    mean_name, triangles_name = _find(path, arrays, _MEAN), _find(path, arrays, _TRIANGLES)
    mean = arrays[mean_name]
    if mean.ndim == 1 or (mean.ndim == 2 and mean.shape[1] == 1):
        mean = mean.reshape(-1, 3) if not mean.size % 3 else mean
    mean = checks.numbers(path, mean_name, mean, (None, 3))
    modes, identity_count = _read_modes(path, arrays, len(mean))
    faces = checks.triangles(path, triangles_name, arrays[triangles_name], len(mean), first_index)
    landmarks = {}
    for set_name, names in _LANDMARKS.items():
        for name in (name for name in names if name in arrays):
            numbers = checks.numbers(path, name, arrays[name], (int(set_name[-2:]),))
            landmarks[set_name] = checks.indices(path, name, numbers, len(mean), first_index)
    model = ShapeModel(
        mean=to_package_frame(mean, unit, frame),
        basis=to_package_frame(modes, unit, frame),
        triangles=outward_triangles(mean, faces),
        landmarks=landmarks,
        identity_count=identity_count,
        name=Path(path).stem,
    )
    return _keep_modes(path, model, identity, expression)


def _find(path, arrays, names):
    """Returns the first of `names` that the file has."""
    found = next((name for name in names if name in arrays), None)
    if found is None:
        raise ValueError(
            f"{path}: expected an array named {', '.join(names[:-1])} or {names[-1]}, "
            f"received {', '.join(sorted(arrays)) or 'none'}."
        )
    return found


def _read_modes(path, arrays, vertex_count):
    """Returns unit-variance modes `(K, N, 3)` and how many of them are identity."""
    if "identity" in arrays:
        parts = [
            _scaled(path, arrays, name, f"{name}_std", vertex_count)
            for name in ("identity", "expression")
            if name in arrays
        ]
        return np.concatenate(parts), len(parts[0])
    name = _find(path, arrays, _BASIS)
    modes = _scaled(path, arrays, name, "standard_deviation", vertex_count)
    count = arrays.get("identity_count", np.array(len(modes)))
    if count.shape != () or count.dtype.kind not in "iu" or not 0 <= count <= len(modes):
        raise ValueError(
            f"{path}: expected `identity_count` to be a number from 0 to {len(modes)}, "
            f"received {count}."
        )
    return modes, int(count)


def _scaled(path, arrays, name, deviation_name, vertex_count):
    """Returns the modes `(K, N, 3)` of one array, times their standard deviations if given."""
    array, flat = arrays[name], 3 * vertex_count
    if array.ndim == 3 and array.shape[1:] == (vertex_count, 3):
        modes = array
    elif array.ndim == 3 and array.shape[:2] == (vertex_count, 3):
        modes = array.transpose(2, 0, 1)
    elif array.ndim == 2 and array.shape[0] == flat:
        modes = array.T.reshape(-1, vertex_count, 3)
    elif array.ndim == 2 and array.shape[1] == flat:
        modes = array.reshape(-1, vertex_count, 3)
    else:
        raise ValueError(
            f"{path}: expected `{name}` of shape (modes, {vertex_count}, 3), "
            f"({vertex_count}, 3, modes), ({flat}, modes) or (modes, {flat}), "
            f"received shape {array.shape}."
        )
    modes = checks.numbers(path, name, modes, (None, vertex_count, 3))
    if deviation_name not in arrays:
        return modes
    deviation = checks.numbers(
        path, deviation_name, np.ravel(arrays[deviation_name]), (len(modes),)
    )
    return modes * deviation[:, None, None]


def _keep_modes(path, model, identity, expression):
    """Returns the model with only its first identity and expression modes."""
    held = model.identity_count
    identity = checks.mode_count(path, "identity", identity, held)
    expression = checks.mode_count(path, "expression", expression, model.modes - held)
    kept = [*range(identity), *range(held, held + expression)]
    return ShapeModel(
        mean=model.mean,
        basis=model.basis[kept],
        triangles=model.triangles,
        landmarks=model.landmarks,
        identity_count=identity,
        mirror=model.mirror,
        name=model.name,
    )
