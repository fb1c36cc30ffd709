"""Meshes as GLB: glTF 2.0 in one binary file, including texture and blend shapes."""

import json
import struct
from typing import Any

import numpy as np

from keras_3dmmstn.drawing.meshes.animation import FaceAnimation
from keras_3dmmstn.drawing.panels import encoded
from keras_3dmmstn.inference.meshes.face_mesh import FaceMesh

_UNIT_IN_METRES = np.float32(1e-3)
_FLOAT, _UNSIGNED_INT = 5126, 5125
_VERTEX_DATA, _INDEX_DATA = 34962, 34963
# Matt, and visible from both sides.
_MATERIAL = {
    "name": "face",
    "pbrMetallicRoughness": {
        "baseColorTexture": {"index": 0},
        "metallicFactor": 0,
        "roughnessFactor": 1,
    },
    "doubleSided": True,
}
# Linear, with mipmaps, and not repeated beyond the texture's border.
_SAMPLER = {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


class _Buffer:
    """The binary part of a file, and the descriptions of its pieces."""

    def __init__(self):
        self.content, self.views, self.accessors = bytearray(), [], []

    def add_view(self, content: bytes, **description: int) -> int:
        """Appends a piece, aligned to a multiple of four bytes, and returns its number."""
        self.views.append(
            {
                "buffer": 0,
                "byteOffset": len(self.content),
                "byteLength": len(content),
                **description,
            }
        )
        self.content += _padded(content, b"\0")
        return len(self.views) - 1

    def add_array(self, array: np.ndarray, component: int, target: int | None = None) -> int:
        """Appends an array `(n,)` or `(n, 2 to 4)`, and returns the number of its accessor."""
        use = {} if target is None else {"target": target}
        accessor = {
            "bufferView": self.add_view(array.tobytes(), **use),
            "componentType": component,
            "count": len(array),
            "type": _TYPES[1 if array.ndim == 1 else array.shape[1]],
        }
        if array.ndim == 2:
            accessor["min"], accessor["max"] = (
                extreme.astype(float).tolist() for extreme in (array.min(axis=0), array.max(axis=0))
            )
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_vectors(self, vectors: np.ndarray) -> int:
        return self.add_array(vectors.astype("<f4"), _FLOAT, _VERTEX_DATA)

    def add_keys(self, values: np.ndarray) -> int:
        return self.add_array(values.astype("<f4"), _FLOAT)


def encode_glb(mesh: FaceMesh, animation: FaceAnimation | None = None) -> bytes:
    """Returns a mesh as a GLB file, in metres, which is glTF's unit.

    An animation moves the whole face, and its blend shapes if it has any.

    Blend shapes become morph targets with the mesh's weights. Their names are in
    `extras.targetNames`, where programs look for them.

    Source:
        Khronos Group, glTF 2.0 Specification, sec. 3 and 4.
    """
    buffer = _Buffer()
    primitive: dict[str, Any] = {
        "attributes": {
            "POSITION": buffer.add_vectors(mesh.vertices * _UNIT_IN_METRES),
            "NORMAL": buffer.add_vectors(mesh.normals),
            # glTF counts v from the top.
            "TEXCOORD_0": buffer.add_vectors(mesh.uv * (1, -1) + (0, 1)),
        },
        "indices": buffer.add_array(
            mesh.triangles.astype("<u4").ravel(), _UNSIGNED_INT, _INDEX_DATA
        ),
        "material": 0,
    }
    face: dict[str, Any] = {"name": "face", "primitives": [primitive]}
    if mesh.targets:
        primitive["targets"] = [
            {"POSITION": buffer.add_vectors(shift * _UNIT_IN_METRES)}
            for shift in mesh.targets.values()
        ]
        face["weights"] = [mesh.weights[name] for name in mesh.targets]
        face["extras"] = {"targetNames": list(mesh.targets)}
    animations = {} if animation is None else {"animations": [_animation(buffer, animation, mesh)]}
    picture = buffer.add_view(encoded(mesh.texture, ".png"))
    return _joined(
        {
            "asset": {"version": "2.0", "generator": "keras-3dmmstn"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"name": "face", "mesh": 0}],
            "meshes": [face],
            "materials": [_MATERIAL],
            "textures": [{"source": 0, "sampler": 0}],
            "samplers": [_SAMPLER],
            "images": [{"name": "texture", "mimeType": "image/png", "bufferView": picture}],
            **animations,
            "accessors": buffer.accessors,
            "bufferViews": buffer.views,
            "buffers": [{"byteLength": len(buffer.content)}],
        },
        bytes(buffer.content),
    )


def _animation(buffer, animation, mesh):
    """Describes an animation, and adds its keys to the buffer."""
    times = buffer.add_keys(animation.times)
    keys = animation.times.astype("<f4")
    buffer.accessors[times] |= {"min": [float(keys.min())], "max": [float(keys.max())]}
    values = {
        "rotation": animation.rotations,
        "translation": animation.translations * _UNIT_IN_METRES,
        "scale": np.repeat(animation.scales[:, None], 3, axis=1),
    }
    if mesh.targets:
        values["weights"] = animation.weights.ravel()
    outputs = {path: buffer.add_keys(array) for path, array in values.items()}
    return {
        "name": "video",
        "samplers": [
            {"input": times, "output": output, "interpolation": "LINEAR"}
            for output in outputs.values()
        ],
        "channels": [
            {"sampler": number, "target": {"node": 0, "path": path}}
            for number, path in enumerate(outputs)
        ],
    }


def _joined(description, content):
    """Returns the file: a header, the description as JSON, and the binary part."""
    text = _padded(json.dumps(description, separators=(",", ":")).encode(), b" ")
    chunks = b"".join(
        struct.pack("<I4s", len(chunk), kind) + chunk
        for chunk, kind in ((text, b"JSON"), (content, b"BIN\0"))
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _padded(content, filler):
    """Returns bytes padded to a multiple of four."""
    return content + filler * (-len(content) % 4)
