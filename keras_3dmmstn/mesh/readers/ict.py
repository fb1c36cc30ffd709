"""The ICT Face Model Light: the folder FaceXModel of ICT-FaceKit."""

import json
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.expression_units import expression_units
from keras_3dmmstn.mesh.formats.obj import read_obj, read_obj_vertices
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.blendshapes import modes_from_blendshapes
from keras_3dmmstn.mesh.readers.frames import outward_triangles, to_package_frame
from keras_3dmmstn.mesh.shape_model import ShapeModel
from keras_3dmmstn.outside_files import read_file

_NEUTRAL, _INDICES, _FACE_MATERIAL = "generic_neutral_mesh.obj", "vertex_indices.json", "M_Face"

# Root mean square of a blend shape's activation, and the correlation of the two sides' shapes.
_ACTIVATION, _SIDES_CORRELATION = 0.25, 0.8


def read_ict(
    path: str | Path,
    identity: int | None = None,
    expression: int | None = None,
    *,
    part: str = "all",
) -> ShapeModel:
    """Reads the ICT Face Model from its folder of OBJ files, in centimetres.

    Each `identityNNN.obj` is the neutral face moved by one standard deviation of one mode (the
    owners draw the weights from N(0, 1)). The expression files are blend shapes with
    activations from 0 to 1; they become their principal modes on the face (material M_Face),
    assuming that activations have a root mean square of 0.25, are correlated by 0.8 between the
    two sides (`..._L` and `..._R`), and otherwise independent (`modes_from_blendshapes`). Missing
    files are left out, so a part of the folder is enough.

    Quads are split so that the triangles are as mirror symmetric as the quads.

    Args:
        path: the folder `FaceXModel`, or the one above it.
        identity, expression: how many modes to keep, None for all.
        part: `"all"`, or `"face"` for the material M_Face alone: the face without back of head,
            neck, eyes, sockets, teeth and lashes, 9,409 vertices.

    Raises:
        ValueError: if a file has the wrong content, or there are fewer modes.
        FileNotFoundError: if there is no such folder.
    """
    path = _face_x_model(Path(path))
    _check_request(path, part)
    neutral = read_obj(path / _NEUTRAL)
    face_polygons = _polygons_of(neutral, _FACE_MATERIAL)
    if not face_polygons:
        raise ValueError(f"{path / _NEUTRAL}: expected polygons of material {_FACE_MATERIAL}.")
    face = np.unique([corner for polygon in face_polygons for corner in polygon])
    landmarks, expression_names = _read_indices(path / _INDICES, len(neutral.vertices))

    identities = sorted(path.glob("identity[0-9][0-9][0-9].obj"))
    count = checks.mode_count(path, "identity", identity, len(identities))
    identity_modes = _offsets(identities[:count], neutral.vertices)
    expression_modes, units = _expression_modes(path, expression_names, expression, neutral, face)

    mean = to_package_frame(neutral.vertices, "cm")
    basis = to_package_frame(np.concatenate([identity_modes, expression_modes]), "cm")
    polygons, materials = neutral.polygons, neutral.materials
    if part == "face":
        polygons, materials = face_polygons, [_FACE_MATERIAL] * len(face_polygons)
    triangles = outward_triangles(mean, _split_polygons(polygons, materials, neutral.vertices))
    if part == "face":
        number = np.full(len(mean), -1)
        number[face] = np.arange(len(face))
        mean, basis = mean[face], basis[:, face]
        triangles, landmarks = number[triangles], number[landmarks]
    return ShapeModel(
        mean=mean,
        basis=basis,
        triangles=triangles,
        landmarks={"ibug68": landmarks} if landmarks.min() >= 0 else {},
        identity_count=count,
        name="ICT Face Model Light",
        expression_units=units,
    )


def _face_x_model(path: Path) -> Path:
    """Returns the folder itself, or the folder FaceXModel within it."""
    below = path / "FaceXModel"
    return below if not (path / _NEUTRAL).exists() and (below / _NEUTRAL).is_file() else path


def _check_request(path, part):
    """Raises an error unless the part is known and the folder contains what every part needs."""
    if part not in ("all", "face"):
        raise ValueError(f"read_ict expects `part` to be 'all' or 'face', received {part!r}.")
    if not path.exists():
        raise FileNotFoundError(path)
    for name in (_NEUTRAL, _INDICES):
        if not (path / name).is_file():
            raise ValueError(f"{path}: the folder FaceXModel holds {name}, which is missing here.")


def _expression_modes(path, names, wanted, neutral, face):
    """Returns the principal modes `(modes, vertices, 3)` of the blend shapes, and these by name."""
    shapes = [path / f"{name}.obj" for name in names]
    shapes = [shape for shape in shapes if shape.is_file()]
    count = checks.mode_count(path, "expression", wanted, len(shapes))
    # Every mode depends on all shapes: read them unless no mode is wanted.
    shapes = shapes if count else []
    stems = [shape.stem for shape in shapes]
    offsets = _offsets(shapes, neutral.vertices)
    modes = modes_from_blendshapes(offsets, _activation_covariance(stems), face)[:count]
    return modes, expression_units(stems, offsets[:, face], modes[:, face])


def _polygons_of(mesh, material):
    pairs = zip(mesh.polygons, mesh.materials, strict=True)
    return [polygon for polygon, name in pairs if name == material]


def _read_indices(path, vertex_count):
    """Returns the 68 landmark vertices and the names of the expressions."""
    try:
        indices = json.loads(read_file(path).decode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Expected a JSON file, received {path}: {error}") from error
    if not isinstance(indices, dict):
        raise ValueError(f"{path}: expected a JSON object, received {type(indices).__name__}.")
    checks.require(path, indices, ("expressions", "idx_to_landmark_verts"), _INDICES)
    key = "idx_to_landmark_verts"
    landmarks = checks.numbers(path, key, indices[key], (IBUG68_COUNT,))
    names = indices["expressions"]
    # A name becomes a file name: it must not lead out of the folder.
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name.isidentifier() for name in names
    ):
        raise ValueError(f"{path}: expected `expressions` to be a list of names.")
    return checks.indices(path, key, landmarks, vertex_count), names


def _offsets(paths, neutral):
    """Returns the offsets `(files, vertices, 3)` of morphed meshes from the neutral one."""
    offsets = np.zeros((len(paths), *neutral.shape), np.float32)
    for offset, path in zip(offsets, paths, strict=True):
        vertices = read_obj_vertices(path)
        if vertices.shape != neutral.shape:
            raise ValueError(
                f"{path}: expected {len(neutral)} vertices as in {_NEUTRAL}, "
                f"received {len(vertices)}."
            )
        offset[...] = vertices - neutral
    return offsets


def _activation_covariance(names):
    """Returns the covariance `(shapes, shapes)` of the activations."""
    stem = np.array([name.removesuffix("_L").removesuffix("_R") for name in names])
    correlation = np.where(stem[:, None] == stem, _SIDES_CORRELATION, 0.0)
    np.fill_diagonal(correlation, 1.0)
    return _ACTIVATION**2 * correlation


def _split_polygons(polygons, materials, vertices):
    """Fans each polygon out from a corner that is chosen alike on both sides of the face."""
    rank = np.arange(len(vertices))
    for material in dict.fromkeys(materials):
        # One part after the other: parts may touch.
        own = [q for q, name in zip(polygons, materials, strict=True) if name == material]
        part = np.unique([corner for polygon in own for corner in polygon])
        _, mirror = cKDTree(vertices[part]).query(vertices[part] * [-1, 1, 1])
        rank[part] = np.minimum(rank[part], part[mirror])
    triangles = []
    for polygon in polygons:
        first = int(np.argmin(rank[polygon]))
        fan = polygon[first:] + polygon[:first]
        triangles += [[fan[0], fan[k], fan[k + 1]] for k in range(1, len(fan) - 1)]
    return np.array(triangles)
