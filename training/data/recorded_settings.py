"""Checksums of what the files in a folder depend on, and the refusal of anything else."""

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces


def labels_checksum(faces: LabelledFaces) -> str:
    """Returns a checksum of the names and labels of faces."""
    digest = hashlib.sha256("\n".join([*faces.names, *faces.subjects]).encode())
    for array in (faces.landmarks, faces.pose, faces.rectangles):
        digest.update(np.nan_to_num(array, nan=-1e9).astype("<f4").tobytes())
    return digest.hexdigest()[:16]


def model_checksum(model: GridModel) -> str:
    """Returns the name of a face model with a checksum of its shapes."""
    checksum = 0
    for array in (model.mean, model.basis):
        checksum = zlib.crc32(np.ascontiguousarray(array).tobytes(), checksum)
    return f"{model.name} {checksum:08x}"


def refuse_other_settings(
    folder: Path, what: str, before: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Raises a ValueError that names the settings that differ from those of a folder.

    Args:
        folder: the folder.
        what: what was begun there, such as "conversion".
        before: the settings that it was begun with.
        now: the settings that are wanted.
    """
    changes = [
        f"{name} {before.get(name)!r} and not {value!r}"
        for name, value in now.items()
        if before.get(name) != value
    ]
    if changes:
        raise ValueError(
            f"{folder}: expected the settings that this {what} was begun with, "
            f"{', '.join(changes)}. Give them again, or write to another folder."
        )
