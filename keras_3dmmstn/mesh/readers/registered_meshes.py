"""Your own morphable model: a folder of registered meshes."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.formats.triangle_mesh import SUFFIXES, read_triangle_mesh
from keras_3dmmstn.mesh.principal_components import aligned_meshes, principal_components
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.mesh.readers.frames import check_frame, outward_triangles, to_package_frame
from keras_3dmmstn.mesh.readers.landmark_file import read_landmark_sets
from keras_3dmmstn.mesh.shape_model import ShapeModel


def read_registered_meshes(
    path: str | Path,
    identity: int | None = None,
    expression: int | None = None,
    *,
    landmarks: str | Path | None = None,
    unit: str = "mm",
    frame: str = "y up",
) -> ShapeModel:
    """Builds a model from meshes with the same connectivity, of faces or any other class.

    The meshes are aligned by similarity transforms to their common mean (generalised Procrustes
    analysis), which keeps the average size and the first mesh's pose. The modes are the
    principal components of what remains, scaled to unit variance; all count as identity.

    Args:
        path: a folder of at least three `.obj`, `.ply` or `.off` meshes with the same
            triangles. Polygons are split from their first corner.
        identity: how many modes to keep, None for all; at most the number of meshes minus 1.
        expression: 0 or None; there are no expression modes.
        landmarks: a JSON file of your own landmarks, as for `read_landmark_sets`.
        unit: the meshes' unit, `"um"`, `"mm"`, `"cm"` or `"m"`.
        frame: the first mesh's axes, `"y up"` (and z towards the viewer) or `"y down"` (and z
            away).

    Raises:
        FileNotFoundError: if there is no such folder or landmark file.
        ValueError: if meshes are damaged, too few or do not correspond, or if more modes are
            requested than they provide.
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
    mean, modes = principal_components(aligned_meshes(shapes), count)
    mean = to_package_frame(mean, unit, frame)
    return ShapeModel(
        mean=mean,
        basis=to_package_frame(modes, unit, frame),
        triangles=outward_triangles(mean, triangles),
        landmarks={} if landmarks is None else read_landmark_sets(landmarks, len(mean)),
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
