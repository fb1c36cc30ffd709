"""The Surrey Face Model as eos ships it."""

import re
from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.cutting.holes import boundary_loops
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, JAW_POINTS
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.blendshapes import modes_from_blendshapes
from keras_3dmmstn.mesh.readers.frames import outward_triangles, to_package_frame
from keras_3dmmstn.mesh.readers.jaw_line import jaw_line
from keras_3dmmstn.mesh.shape_model import ShapeModel

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

    The six blend shapes (basic emotions) become expression modes: their principal modes when
    each is active by itself with a root mean square of 0.5 (`modes_from_blendshapes`). A shape
    model that carries expressions of its own is refused, as it is not this one.

    `ibug_to_sfm.txt` has 50 of the 68 points. Of `ibug68`, the other jaw points are placed by
    `jaw_line`, and the inner corners of the mouth are the ends of the mouth opening, next to the
    outer corners.

    Args:
        path: `sfm_shape_3448.bin` or another shape model of eos in this topology, or the folder
            that holds it.
        identity, expression: how many modes to keep, None for all.
        blendshapes: the expression file; None takes `expression_blendshapes_3448.bin` beside
            the model if it is there.
        landmarks: the landmark table; None takes `ibug_to_sfm.txt` beside the model if it is
            there.

    Raises:
        ImportError: if eos-py is not installed.
        ValueError: if a file is not what it should be, or has fewer modes.
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "sfm_shape_3448.bin"
    mean, basis, triangles = _read_shape(path)
    count = checks.mode_count(path, "identity", identity, len(basis))
    offsets_path = _beside(path, blendshapes, _BLENDSHAPES)
    modes = np.zeros((0, *mean.shape))
    if offsets_path is not None:
        offsets = _read_blendshapes(offsets_path, len(mean))
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
    )


def _beside(model_path, given, name):
    """Returns the given file, else that of the given name beside the model, else None."""
    if given is not None:
        return Path(given)
    found = model_path.with_name(name)
    return found if found.is_file() else None


def _eos():
    try:
        import eos
    except ImportError as error:
        raise ImportError(
            "Reading the Surrey Face Model needs eos-py: pip install 'keras-3dmmstn[eos]'."
        ) from error
    return eos


def _load(path, load):
    """Calls a loader of eos on an existing file; it reports a damaged one as RuntimeError."""
    path.open("rb").close()
    try:
        return load(str(path))
    except (RuntimeError, MemoryError, ValueError) as error:
        raise ValueError(f"Expected a file of eos, received {path}: {error}") from error


def _read_shape(path):
    """Returns mean `(N, 3)`, unit-variance basis `(K, N, 3)` and triangles of a shape model."""
    model = _load(path, _eos().morphablemodel.load_model)
    if model.has_separate_expression_model():
        raise ValueError(f"{path}: expected eos' shape model without expressions.")
    shape = model.get_shape_model()
    mean = np.ravel(shape.get_mean())
    basis = np.asarray(shape.get_rescaled_pca_basis())
    basis = checks.numbers(path, "basis", basis, (len(mean), None)).T.reshape(-1, len(mean) // 3, 3)
    mean = checks.numbers(path, "mean", mean.reshape(-1, 3), (None, 3))
    triangles = np.array(shape.get_triangle_list())
    return mean, basis, checks.triangles(path, "triangles", triangles, len(mean))


def _read_blendshapes(path, vertex_count):
    """Returns the offsets `(shapes, N, 3)` of a blend shape file."""
    shapes = _load(path, _eos().morphablemodel.load_blendshapes)
    if not shapes:
        raise ValueError(f"{path}: expected blend shapes, received none.")
    return np.stack(
        [
            checks.numbers(path, shape.name, shape.deformation, (3 * vertex_count,))
            for shape in shapes
        ]
    ).reshape(len(shapes), vertex_count, 3)


def _ibug68(path, mean, triangles):
    """Returns the 68 vertices: those of the table, and the derived ones."""
    lines = path.read_text(errors="replace").splitlines()
    pairs = [re.match(r"\s*(\d+)\s*=\s*(\d+)\s*(#.*)?$", line) for line in lines]
    table = {int(pair[1]) - 1: int(pair[2]) for pair in pairs if pair}  # the table counts from 1
    points = np.full(IBUG68_COUNT, -1)
    missing = sorted(set(range(IBUG68_COUNT)) - set(table) - set(_JAW) - set(_INNER_MOUTH_CORNERS))
    if missing or 8 not in table or not set(table) <= set(range(IBUG68_COUNT)):
        raise ValueError(
            f"{path}: expected a table `ibug point = vertex` with point 9 and points 18 to 68, "
            f"received {len(table)} points."
        )
    checks.indices(path, "vertices", np.array(list(table.values())), len(mean))
    points[list(table)] = list(table.values())
    jaw = jaw_line(mean, triangles, points[8], (points[36], points[45]))
    derived = {
        **dict(zip(_JAW, jaw, strict=True)),
        **dict(zip(_INNER_MOUTH_CORNERS, _mouth_ends(mean, triangles, points), strict=True)),
    }
    for number, vertex in derived.items():
        points[number] = table.get(number, vertex)
    return points


def _mouth_ends(mean, triangles, points):
    """Returns the leftmost and the rightmost vertex of the mouth opening within the lips."""
    loops = boundary_loops(triangles)
    mouth = max(loops, key=lambda loop: len(np.intersect1d(loop, points[[61, 62, 63, 65, 66, 67]])))
    # The opening may end in the outer corners, which are points of their own.
    mouth = np.setdiff1d(mouth, points[[48, 54]])
    return mouth[[mean[mouth, 0].argmin(), mean[mouth, 0].argmax()]]
