"""Writes a fitted face as GLB, OBJ, PLY, or as arrays for programmers."""

import io
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.drawing.meshes.glb import encode_glb
from keras_3dmmstn.drawing.meshes.obj import encode_material, encode_obj
from keras_3dmmstn.drawing.meshes.ply import encode_ply
from keras_3dmmstn.drawing.panels import encoded
from keras_3dmmstn.inference.meshes.face_mesh import texture_places
from keras_3dmmstn.inference.meshes.frames import camera_vertices
from keras_3dmmstn.inference.normalised_face import NormalisedFace

#: The kinds of files for a mesh.
KINDS = ("glb", "obj", "ply", "npz")


def check_kinds(kinds: Collection[str], blend_shapes: bool = False) -> None:
    """Raises a ValueError if a kind is unknown, or no kind supports requested blend shapes."""
    for kind in kinds:
        if kind not in KINDS:
            known = ", ".join(KINDS)
            raise ValueError(f"Expected a kind of mesh among {known}, received {kind!r}.")
    if blend_shapes and "glb" not in kinds:
        received = ", ".join(kinds) or "none"
        raise ValueError(f"Expected glb, which alone has blend shapes, received {received}.")


def save_mesh(face: NormalisedFace, path: str | Path, **options: Any) -> list[Path]:
    """Writes a face as a mesh, completely or not at all, replacing files with these names.

    Args:
        face: the face.
        path: the extension determines the kind: `.glb` (in metres), `.obj` (millimetres; also
            writes `NAME.mtl` and `NAME_texture.png` beside it), `.ply` (millimetres, with colours
            at the vertices instead of the texture) or `.npz` (see `face_arrays`). In all but the
            last, y is up and z towards the viewer.
        options: `expression`, `frame`, `texture_size`, `fill` and, with `.glb`, `blend_shapes`, as
            for `NormalisedFace.textured_mesh`. An `.npz` takes none.

    Returns:
        The files.

    Raises:
        ValueError: if `path` has a different extension, or an option is invalid.
        OSError: if a file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    check_kinds([kind], options.get("blend_shapes", False))
    if kind == "npz":
        if options:
            raise ValueError(f"Expected no options for an npz, received {', '.join(options)}.")
        contents = {path: _encoded_arrays(face)}
    else:
        mesh = face.textured_mesh(**options)
        files = _encoded(mesh, kind, path.stem)
        # The main file gets exactly the given name.
        contents = {path: files.pop(f".{kind}")}
        contents |= {path.with_suffix(suffix): content for suffix, content in files.items()}
        if kind == "obj":
            texture = path.with_name(f"{path.stem}_texture.png")
            contents[texture] = encoded(mesh.texture, ".png")
    with ExitStack() as moves:
        for file, content in contents.items():
            moves.enter_context(atomic_destination(file)).write_bytes(content)
    return list(contents)


def encoded_meshes(
    face: NormalisedFace,
    kinds: Collection[str],
    name: str,
    blend_shapes: bool = False,
    **options: Any,
) -> dict[str, bytes]:
    """Returns the contents of the files of a face's mesh, by the end of their names.

    Args:
        face: the face.
        kinds: any of `KINDS`.
        name: the beginning of the files' names. OBJ's texture is `NAME_texture.png`, which is not
            among them.
        blend_shapes, options: as for `NormalisedFace.textured_mesh`. Only GLB has blend shapes, and
            an `.npz` depends on none of these.
    """
    files = {}
    for kind in dict.fromkeys(kinds):
        if kind == "npz":
            files[".npz"] = _encoded_arrays(face)
        else:
            mesh = face.textured_mesh(blend_shapes=blend_shapes and kind == "glb", **options)
            files |= _encoded(mesh, kind, name)
    return files


def _encoded(mesh, kind, name):
    """Returns the contents of the files of a mesh, by the end of their names."""
    if kind == "glb":
        return {".glb": encode_glb(mesh)}
    if kind == "ply":
        return {".ply": encode_ply(mesh)}
    material = encode_material(f"{name}_texture.png")
    return {".obj": encode_obj(mesh, f"{name}.mtl"), ".mtl": material}


def _encoded_arrays(face):
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **face_arrays(face))
    return content.getvalue()


def face_arrays(face: NormalisedFace) -> dict[str, np.ndarray]:
    """Returns all data of a face's surface as arrays.

    The axes are the package's: x right, y down, z away from the viewer.

    Returns:
        `vertices`, `neutral_vertices` (without expression) and `camera_vertices` (see
        `camera_vertices`), each `(N, 3)` float32 in millimetres; `points` `(N, 2)` float32 in
        pixels of the photograph; `visible` `(N,)` bool; `triangles` `(T, 3)` int32; `uv` `(N, 2)`
        float32 texture coordinates, v up; `grid_shape` (H', W'); `landmarks/SET` `(L,)` vertices;
        and `parameters/NAME`, as in `NormalisedFace`.
    """
    neutral = face.textured_mesh(expression="neutral")
    return {
        "vertices": face.vertices,
        "neutral_vertices": neutral.vertices * np.array([1, -1, -1], np.float32),
        "camera_vertices": camera_vertices(face.vertices, face.parameters),
        "points": face.points,
        "visible": face.visible,
        "triangles": neutral.triangles,
        "uv": texture_places(face.grid_shape, face.mask.shape),
        "grid_shape": np.array(face.grid_shape),
        **{f"landmarks/{name}": index for name, index in face.landmark_indices.items()},
        **{f"parameters/{name}": np.asarray(v) for name, v in face.parameters.items()},
    }
