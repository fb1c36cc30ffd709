"""The Surrey Face Model as eos ships it."""

import re
from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.cutting.holes import boundary_loops
from keras_3dmmstn.mesh.expression_units import expression_units
from keras_3dmmstn.mesh.formats.eos_file import read_eos_blendshapes, read_eos_model
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, JAW_POINTS
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.blendshapes import modes_from_blendshapes
from keras_3dmmstn.mesh.readers.frames import outward_triangles, to_package_frame
from keras_3dmmstn.mesh.readers.jaw_line import jaw_line
from keras_3dmmstn.mesh.shape_model import ShapeModel
from keras_3dmmstn.outside_files import read_file

_BLENDSHAPES, _TABLE = "expression_blendshapes_3448.bin", "ibug_to_sfm.txt"

# Root mean square of a blend shape's activation: half of a posed basic emotion.
_ACTIVATION = 0.5

_JAW = list(range(JAW_POINTS))
_INNER_MOUTH_CORNERS = [60, 64]


def read_surrey(
    path: str | Path,
    identity: int | None = None,
    expression: int | None = None,
    *,
    blendshapes: str | Path | None = None,
    landmarks: str | Path | None = None,
) -> ShapeModel:
    """Reads the Surrey Face Model from eos' files.

    The six blend shapes (basic emotions) become expression modes: their principal modes,
    assuming that each is active independently with a root mean square of 0.5
    (`modes_from_blendshapes`). A shape model with its own expressions is refused: it is not the
    Surrey model.

    `ibug_to_sfm.txt` has 50 of the 68 points of `ibug68`. The other jaw points are placed by
    `jaw_line`, and the inner corners of the mouth are the ends of the mouth opening, next to the
    outer corners.

    Args:
        path: `sfm_shape_3448.bin` or another shape model of eos in this topology, or its folder.
        identity, expression: how many modes to keep, None for all.
        blendshapes: the expression file; None takes `expression_blendshapes_3448.bin` beside
            the model if it is there.
        landmarks: the landmark table; None takes `ibug_to_sfm.txt` beside the model if it is
            there.

    Raises:
        ValueError: if a file has the wrong content or fewer modes.
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "sfm_shape_3448.bin"
    mean, basis, triangles = _read_shape(path)
    count = checks.mode_count(path, "identity", identity, len(basis))
    offsets_path = _beside(path, blendshapes, _BLENDSHAPES)
    names, offsets = [], np.zeros((0, *mean.shape))
    modes = offsets
    if offsets_path is not None:
        names, offsets = _read_blendshapes(offsets_path, len(mean))
        modes = modes_from_blendshapes(offsets, _ACTIVATION**2 * np.eye(len(offsets)))
    expression = checks.mode_count(offsets_path or path, "expression", expression, len(modes))

    mean = to_package_frame(mean, "mm")
    triangles = outward_triangles(mean, triangles)
    table_path = _beside(path, landmarks, _TABLE)
    sets = {}
    if table_path is not None:
        sets["ibug68"] = _ibug68(table_path, mean, triangles)
    return ShapeModel(
        mean=mean,
        basis=to_package_frame(np.concatenate([basis[:count], modes[:expression]]), "mm"),
        triangles=triangles,
        landmarks=sets,
        identity_count=count,
        name="Surrey Face Model",
        expression_units=expression_units(names, offsets, modes[:expression]),
    )


def _beside(model_path, given, name):
    """Returns the given file, or the file of the given name beside the model, or None."""
    if given is not None:
        return Path(given)
    found = model_path.with_name(name)
    return found if found.is_file() else None


def _read_shape(path):
    """Returns the mean `(N, 3)`, unit-variance basis `(K, N, 3)` and triangles of a model."""
    model = read_eos_model(path)
    if model.has_expressions:
        raise ValueError(f"{path}: expected eos' shape model without expressions.")
    mean = checks.numbers(path, "mean", model.mean, (None,))
    if len(mean) % 3:
        raise ValueError(
            f"{path}: expected a mean of three numbers a vertex, received {len(mean)}."
        )
    basis = checks.numbers(path, "basis", model.basis, (len(mean), None))
    variances = checks.numbers(path, "variances", model.variances, (basis.shape[1],))
    if variances.min() < 0:
        raise ValueError(f"{path}: expected variances, received {variances.min()}.")
    basis = (basis * np.sqrt(variances)).T.reshape(-1, len(mean) // 3, 3)
    return (
        mean.reshape(-1, 3),
        basis,
        checks.triangles(path, "triangles", model.triangles, len(mean) // 3),
    )


def _read_blendshapes(path, vertex_count):
    """Returns the names and the offsets `(shapes, N, 3)` of a blend shape file."""
    shapes = {
        name: checks.numbers(path, name, offsets, (3 * vertex_count,))
        for name, offsets in read_eos_blendshapes(path).items()
    }
    return [*shapes], np.stack([*shapes.values()]).reshape(len(shapes), vertex_count, 3)


def _ibug68(path, mean, triangles):
    """Returns the 68 vertices: those of the table, and the derived ones."""
    lines = read_file(path).decode(errors="replace").splitlines()
    pairs = [re.match(r"\s*(\d{1,9})\s*=\s*(\d{1,9})\s*(#.*)?$", line) for line in lines]
    table = {int(pair[1]) - 1: int(pair[2]) for pair in pairs if pair}  # the table counts from 1
    points = np.full(IBUG68_COUNT, -1)
    missing = sorted(set(range(IBUG68_COUNT)) - set(table) - set(_JAW) - set(_INNER_MOUTH_CORNERS))
    if missing or 8 not in table or not set(table) <= set(range(IBUG68_COUNT)):
        raise ValueError(
            f"{path}: expected a table `ibug point = vertex` with point 9 and points 18 to 68, "
            f"received {len(table)} points."
        )
    checks.indices(path, "vertices", list(table.values()), len(mean))
    points[list(table)] = list(table.values())
    try:
        jaw = jaw_line(mean, triangles, points[8], (points[36], points[45]))
        mouth = _mouth_ends(mean, triangles, points)
    except ValueError as error:
        raise ValueError(f"{path}: expected landmarks that lie on a face: {error}") from error
    derived = {
        **dict(zip(_JAW, jaw, strict=True)),
        **dict(zip(_INNER_MOUTH_CORNERS, mouth, strict=True)),
    }
    for number, vertex in derived.items():
        points[number] = table.get(number, vertex)
    return points


def _mouth_ends(mean, triangles, points):
    """Returns the leftmost and the rightmost vertex of the mouth opening within the lips."""
    loops = boundary_loops(triangles)
    if not loops:
        raise ValueError("the surface has no mouth opening.")
    mouth = max(loops, key=lambda loop: len(np.intersect1d(loop, points[[61, 62, 63, 65, 66, 67]])))
    # The opening may end in the outer corners, which are separate landmarks.
    mouth = np.setdiff1d(mouth, points[[48, 54]])
    if not len(mouth):
        raise ValueError("the mouth opening has no vertices.")
    return mouth[[mean[mouth, 0].argmin(), mean[mouth, 0].argmax()]]
