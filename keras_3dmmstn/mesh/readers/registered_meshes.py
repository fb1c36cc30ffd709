"""A morphable model of one's own: the principal components of a folder of registered meshes."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.formats.triangle_mesh import SUFFIXES, read_triangle_mesh
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.frames import check_frame, outward_triangles, to_package_frame
from keras_3dmmstn.mesh.shape_model import ShapeModel

_ALIGNMENT_ROUNDS = 20


def read_registered_meshes(
    path: str | Path,
    identity: int | None = None,
    expression: int | None = None,
    *,
    unit: str = "mm",
    frame: str = "y up",
) -> ShapeModel:
    """Builds a model from meshes of one connectivity, of faces or of any other class.

    The meshes are aligned by similarity transforms to their common mean (generalised Procrustes
    analysis), which keeps the average size and the first mesh's pose. The modes are the
    principal components of what remains, scaled to unit variance; all count as identity.

    Args:
        path: a folder of at least three `.obj`, `.ply` or `.off` meshes with the same
            triangles. Polygons are split from their first corner.
        identity: how many modes to keep, None for all; at most the number of meshes less 1.
        expression: 0 or None; there are no expression modes.
        unit: the meshes' unit, `"um"`, `"mm"`, `"cm"` or `"m"`.
        frame: the first mesh's axes, `"y up"` (and z towards the viewer) or `"y down"` (and z
            away).

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if meshes are damaged, too few or do not correspond, or if more modes are
            asked for than they give.
    """
    check_frame("read_registered_meshes", unit, frame)
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(path)
    files = sorted(file for file in path.glob("*") if file.suffix.lower() in SUFFIXES)
    if len(files) < 3:
        raise ValueError(
            f"{path}: expected a folder of at least three meshes ({', '.join(SUFFIXES)}), "
            f"received {len(files)}."
        )
    checks.mode_count(path, "expression", expression, 0)
    count = checks.mode_count(path, "identity", identity, len(files) - 1)
    shapes, triangles = _read_meshes(files)
    mean, aligned = _align(shapes)
    offsets = (aligned - mean).reshape(len(files), -1)
    _, values, directions = np.linalg.svd(offsets, full_matrices=False)
    modes = directions[:count] * (values[:count, None] / np.sqrt(len(files) - 1))
    mean = to_package_frame(mean, unit, frame)
    return ShapeModel(
        mean=mean,
        basis=to_package_frame(modes.reshape(count, -1, 3), unit, frame),
        triangles=outward_triangles(mean, triangles),
        identity_count=count,
        name=path.name,
    )


def _read_meshes(files):
    """Returns the vertices `(meshes, N, 3)` and the common triangles `(T, 3)`."""
    shapes, triangles = [], None
    for file in files:
        vertices, faces = read_triangle_mesh(file)
        vertices = checks.numbers(file, "vertices", vertices, (None, 3))
        faces = checks.triangles(file, "faces", faces, len(vertices))
        if triangles is None:
            triangles = faces
        elif vertices.shape != shapes[0].shape or not np.array_equal(faces, triangles):
            raise ValueError(
                f"{file}: expected the {len(shapes[0])} vertices and the triangles of "
                f"{files[0].name}, received {len(vertices)} vertices"
                f"{'' if vertices.shape != shapes[0].shape else ' and other triangles'}."
            )
        shapes.append(vertices)
    return np.array(shapes, np.float64), triangles


def _align(shapes):
    """Returns the mean `(N, 3)` and the shapes `(meshes, N, 3)` after Procrustes analysis."""
    sizes = np.sqrt(((shapes - shapes.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2)))
    if sizes.min() <= 0:
        raise ValueError("Expected meshes with an extent, received one that is a single point.")
    middle, size = shapes[0].mean(axis=0), sizes.mean()
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    mean = centred[0] * (size / sizes[0])
    for _ in range(_ALIGNMENT_ROUNDS):
        aligned = np.array([_similarity(shape, mean) for shape in centred])
        previous, mean = mean, aligned.mean(axis=0)
        # Otherwise the mean turns, and shrinks a little with every round.
        mean = _similarity(mean, centred[0])
        mean *= size / np.linalg.norm(mean)
        if np.abs(mean - previous).max() < 1e-9 * size:
            break
    aligned = np.array([_similarity(shape, mean) for shape in centred])
    aligned *= size / np.linalg.norm(aligned.mean(axis=0))
    return aligned.mean(axis=0) + middle, aligned + middle


def _similarity(shape, target):
    """Returns centred `shape` `(N, 3)`, turned and scaled to lie closest to `target`."""
    left, values, right = np.linalg.svd(shape.T @ target)
    handedness = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    scale = (values * handedness).sum() / (shape**2).sum()
    return scale * shape @ (left * handedness) @ right
