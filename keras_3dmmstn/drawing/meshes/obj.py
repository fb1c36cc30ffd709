"""Meshes as OBJ, with a material (MTL) that names the texture's file."""

import numpy as np

from keras_3dmmstn.inference.meshes.face_mesh import FaceMesh


def encode_obj(mesh: FaceMesh, material_file: str) -> bytes:
    """Returns a mesh as an OBJ file, in millimetres, y up.

    Args:
        mesh: the mesh. Its blend shapes are left out, since OBJ has none.
        material_file: name of the file from `encode_material`, in the same folder.

    Raises:
        ValueError: if the name has a line break, which OBJ does not allow.
    """
    corners = np.repeat(mesh.triangles + 1, 3, axis=1)  # for each: position, texture, normal
    parts = [
        f"# millimetres, y up\nmtllib {_named(material_file)}\no face\n",
        _lines("v %.5f %.5f %.5f", mesh.vertices),
        _lines("vt %.7f %.7f", mesh.uv),
        _lines("vn %.5f %.5f %.5f", mesh.normals),
        "usemtl face\n",
        _lines("f %d/%d/%d %d/%d/%d %d/%d/%d", corners),
    ]
    return "".join(parts).encode(errors="surrogateescape")


def encode_material(texture_file: str) -> bytes:
    """Returns the MTL file of a mesh: a matt surface with a texture.

    Raises:
        ValueError: if the name has a line break.
    """
    reflection = "Ka 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\n"
    text = f"newmtl face\n{reflection}map_Kd {_named(texture_file)}\n"
    return text.encode(errors="surrogateescape")


def _lines(form, rows):
    """Returns a line for each row of an array, formatted with `form`."""
    return f"{form}\n" * len(rows) % tuple(rows.ravel().tolist())


def _named(file):
    if len(file.splitlines()) != 1:
        raise ValueError(f"Expected a name without line breaks for an OBJ file, received {file!r}.")
    return file
