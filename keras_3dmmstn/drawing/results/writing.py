"""Writes the results of a photograph."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.drawing.meshes.files import encoded_meshes
from keras_3dmmstn.drawing.overlay import draw_overlay
from keras_3dmmstn.drawing.panels import encoded
from keras_3dmmstn.drawing.results.files import ResultFiles
from keras_3dmmstn.inference.normalised_face import NormalisedFace


def write_results(
    files: ResultFiles,
    photograph: np.ndarray,
    faces: list[NormalisedFace],
    front: Mapping[str, Any] | None = None,
    overlay: bool = True,
    meshes: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Writes the pictures and numbers of a photograph's faces, in place of former ones.

    All are first written elsewhere and then moved into place. Files of the photograph from a former
    run that are not replaced are removed: without a face, all of them.

    Args:
        files: where to write, and for which photograph.
        photograph: `(height, width, 3)` uint8 RGB.
        faces: the faces in it.
        front: arguments of `NormalisedFace.front_view`; None draws none.
        overlay: whether the fit is drawn on the photograph.
        meshes: `kinds` and other arguments of `encoded_meshes`; None writes none.

    Returns:
        The files: for each face `NAME_K_texture.png`, `NAME_K_mask.png`, `NAME_K_front.png` if it
        is drawn, the requested meshes, `NAME_K.glb` and so on, and `NAME_K.json`, with K counted
        from 0; then `NAME_overlay.jpg`.

    Raises:
        FileExistsError: if there are files with these names that do not belong to this photograph.
            Then nothing is written.
        OSError: if a file cannot be written.
    """
    files.check(len(faces))
    contents = {}
    for number, face in enumerate(faces):
        contents[files.texture(number)] = _png(face.texture)
        contents[files.mask(number)] = _png(face.mask.astype(np.uint8) * 255)
        if front is not None:
            contents[files.front(number)] = _png(face.front_view(**front))
        if meshes is not None:
            encoding = encoded_meshes(face, name=f"{files.name}_{number}", **meshes)
            contents |= {files.mesh(number, end): mesh for end, mesh in encoding.items()}
        contents[files.description(number)] = _as_json(face, files.source)
    if overlay and faces:
        contents[files.overlay] = encoded(draw_overlay(photograph, faces), ".jpg")
    descriptions = [files.description(number) for number in range(len(faces))]
    is_new = not any(path.exists() for path in descriptions[:1])
    try:
        _write(contents, first=descriptions)
    except OSError:
        if is_new:
            files.remove_stale(0, ())  # what was already moved into place
        raise
    files.remove_stale(len(faces), contents)
    return list(contents)


def _write(contents, first):
    """Writes files elsewhere, then moves all of them into place, those in `first` first.

    The first ones say to which photograph the others belong: they do not replace files that another
    process may have put there meanwhile.
    """
    new = {path for path in first if not path.exists()}
    order = [*first, *(path for path in contents if path not in first)]
    with ExitStack() as moves:
        for path in reversed(order):  # the last one entered is the first one moved
            aside = moves.enter_context(
                atomic_destination(path, replace=path not in new, sweep=False)
            )
            aside.write_bytes(contents[path])


def _png(image):
    """Encodes a grey, RGB or RGBA picture."""
    if image.ndim == 3:
        order = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
        image = cv2.cvtColor(image, order)
    return cv2.imencode(".png", image)[1].tobytes()


def _as_json(face, source):
    """Describes a face, each item on a line, in the units that docs/photographs.md states."""
    description = {
        "source": source,
        "box": face.box.tolist(),
        "score": face.score,
        "confidence": face.confidence,
        "spread": None if face.spread is None else [round(float(s), 4) for s in face.spread],
        "roll": face.roll,
        "pose": {angle: round(value, 2) for angle, value in face.pose._asdict().items()},
        "parameters": {name: np.asarray(v).tolist() for name, v in face.parameters.items()},
        "landmarks": {name: face.landmarks(name).tolist() for name in face.landmark_indices},
        "visible_share": float(face.mask.mean()),
    }
    # Without `indent`, which makes json three times as slow.
    lines = (f" {json.dumps(name)}: {json.dumps(item)}" for name, item in description.items())
    return "{{\n{}\n}}\n".format(",\n".join(lines)).encode()
