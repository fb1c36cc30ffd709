"""Meshes as PLY, with colours at the vertices."""

import cv2
import numpy as np

from keras_3dmmstn.inference.meshes.face_mesh import FaceMesh

_TYPES = {"<f4": "float", "u1": "uchar"}
_VERTEX = [
    *((name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz")),
    *((name, "u1") for name in ("red", "green", "blue")),
]


def encode_ply(mesh: FaceMesh) -> bytes:
    """Returns a mesh as a binary PLY file, in millimetres, y up.

    Few programs read a texture beside a PLY, so the vertices have the texture's colours instead.
    They have no texture coordinates, since with these some programs ignore the colours. Blend
    shapes are left out.
    """
    vertices = np.empty(len(mesh.vertices), _VERTEX)
    columns = np.concatenate([mesh.vertices, mesh.normals, vertex_colours(mesh)], axis=1)
    for name, column in zip((name for name, _ in _VERTEX), columns.T, strict=True):
        vertices[name] = column
    faces = np.empty(len(mesh.triangles), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.triangles
    header = [
        "ply",
        "format binary_little_endian 1.0",
        "comment millimetres, y up",
        f"element vertex {len(vertices)}",
        *(f"property {_TYPES[kind]} {name}" for name, kind in _VERTEX),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    return "\n".join(header).encode() + vertices.tobytes() + faces.tobytes()


def vertex_colours(mesh: FaceMesh) -> np.ndarray:
    """Returns the texture's colours at the vertices, `(N, 3)` uint8 RGB."""
    height, width = mesh.texture.shape[:2]
    x = (mesh.uv[:, :1] * width - 0.5).astype(np.float32)
    y = ((1 - mesh.uv[:, 1:]) * height - 0.5).astype(np.float32)
    sampled = cv2.remap(mesh.texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled)[:, 0]
