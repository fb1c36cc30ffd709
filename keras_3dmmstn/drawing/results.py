"""Writing what was found in a photograph to a folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_3dmmstn.atomic_files import write_atomically
from keras_3dmmstn.drawing.overlay import draw_fit
from keras_3dmmstn.inference.normalised_face import NormalisedFace


def write_results(
    folder: Path,
    name: str,
    photograph: np.ndarray,
    faces: list[NormalisedFace],
    front: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Writes the pictures and numbers of a photograph's faces.

    Args:
        folder: where to write; it exists.
        name: how the files' names begin.
        photograph: `(height, width, 3)` uint8 RGB.
        faces: the faces in it.
        front: arguments of `NormalisedFace.front_view`; None draws none.

    Returns:
        The files: for each face `NAME_K_texture.png`, `NAME_K_mask.png`, `NAME_K_overlay.png`,
        `NAME_K_front.png` where it is drawn, and `NAME_K.json`, with K counted from 0.
    """
    written = []
    for number, face in enumerate(faces):
        stem = f"{name}_{number}"
        contents = {
            f"{stem}_texture.png": _png(face.texture),
            f"{stem}_mask.png": _png(face.mask.astype(np.uint8) * 255),
            f"{stem}_overlay.png": _png(draw_fit(photograph, [face])),
            **({} if front is None else {f"{stem}_front.png": _png(face.front_view(**front))}),
            f"{stem}.json": _as_json(face).encode(),
        }
        for file, content in contents.items():
            write_atomically(folder / file, content)
            written.append(folder / file)
    return written


def _png(image):
    """Encodes a grey, RGB or RGBA picture."""
    if image.ndim == 3:
        order = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
        image = cv2.cvtColor(image, order)
    return cv2.imencode(".png", image)[1].tobytes()


def _as_json(face):
    """Describes a face: pixels are of the photograph, angles are in radians."""
    description = {
        "box": face.box.tolist(),
        "parameters": {name: np.asarray(v).tolist() for name, v in face.parameters.items()},
        "landmarks": {name: face.landmarks(name).tolist() for name in face.landmark_indices},
        "visible_share": float(face.mask.mean()),
    }
    return json.dumps(description, indent=1) + "\n"
