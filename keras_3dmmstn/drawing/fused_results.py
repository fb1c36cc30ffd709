"""Writes the face of a person, fused from several photographs."""

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.drawing.meshes.glb import encode_glb
from keras_3dmmstn.drawing.panels import encoded
from keras_3dmmstn.inference.fusion.fused_face import FusedFace

_KIND = "keras_3dmmstn fused face"
_DESCRIPTION = "person.json"


def check_fused_folder(folder: Path) -> None:
    """Raises a FileExistsError if a folder has files that `write_fused` would overwrite.

    Files of a former `write_fused` may be overwritten.
    """
    if _is_ours(folder):
        return
    for name in (_DESCRIPTION, "texture.png", "mask.png", "front.png", "mesh.glb"):
        if os.path.lexists(folder / name):
            raise FileExistsError(
                f"expected a result of fuse at {folder / name}, or nothing, but what is there does "
                "not say that it is one; move it away or choose another folder."
            )


def write_fused(
    folder: Path, face: FusedFace, sources: Sequence[str], fill: str | None = None
) -> list[Path]:
    """Writes a fused face in place of a former one, all files or none.

    Args:
        folder: where to write `texture.png`, `mask.png`, `front.png`, `mesh.glb` with blend shapes,
            and `person.json`, which says what each photograph contributed.
        face: the face.
        sources: the photographs, in the order of the faces that were fused.
        fill: `"mirror"` fills places not shown by any photograph, see `fill_hidden`.

    Returns:
        The files.

    Raises:
        FileExistsError: as for `check_fused_folder`.
        OSError: if a file cannot be written.
    """
    check_fused_folder(folder)
    texture = face.texture if fill is None else face.filled_texture(fill)
    contents = {
        "texture.png": encoded(texture, ".png"),
        "mask.png": encoded(np.repeat(face.mask[..., None].astype(np.uint8) * 255, 3, 2), ".png"),
        "front.png": encoded(face.front_view(fill=fill), ".png"),
        "mesh.glb": encode_glb(face.textured_mesh(blend_shapes=True, fill=fill)),
        _DESCRIPTION: _described(face, sources),
    }
    with ExitStack() as moves:
        for name, content in contents.items():
            moves.enter_context(atomic_destination(folder / name)).write_bytes(content)
    return [folder / name for name in contents]


def _described(face, sources):
    """Describes a fused face as JSON."""
    shares = [round(float(share), 4) for share in face.shares]
    description = {
        "kind": _KIND,
        "photographs": dict(zip(sources, shares, strict=True)),
        "seen_share": round(float(face.mask.mean()), 4),
        "identity": face.parameters["identity"].tolist(),
        "expression": face.parameters["expression"].tolist(),
    }
    return (json.dumps(description, indent=1) + "\n").encode()


def _is_ours(folder):
    try:
        return json.loads((folder / _DESCRIPTION).read_bytes())["kind"] == _KIND
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return False
