"""Reads triangle meshes: OBJ, PLY and OFF."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.formats.obj import read_obj
from keras_3dmmstn.mesh.formats.off import polygons_of_off
from keras_3dmmstn.mesh.formats.ply import polygons_of_ply
from keras_3dmmstn.mesh.formats.polygons import Polygons, triangles_of
from keras_3dmmstn.outside_files import read_file

#: The suffixes of the formats.
SUFFIXES = (".obj", ".ply", ".off")


def read_triangle_mesh(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads the vertices and triangles of a mesh; polygons are split from their first corner.

    Args:
        path: a file whose suffix is one of `SUFFIXES`.

    Returns:
        `(vertices, 3)` float64 and `(triangles, 3)` int64, counted from 0.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else.
    """
    suffix = Path(path).suffix.lower()
    obj = read_obj(path) if suffix == ".obj" else None  # its errors name file and line
    try:
        if obj is not None:
            corners = [corner for polygon in obj.polygons for corner in polygon]
            mesh = Polygons(obj.vertices, [*map(len, obj.polygons)], corners)
        else:
            mesh = {".ply": polygons_of_ply, ".off": polygons_of_off}[suffix](read_file(path))
        return mesh.vertices, triangles_of(mesh)
    except (ValueError, KeyError) as error:
        reason = str(error)[:300].rstrip(".")
        raise ValueError(f"Expected a mesh of polygons, received {path}: {reason}.") from error
