"""Reads labelled photographs of any of the known data sets."""

import logging
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path

from keras_3dmmstn.training.data.labelled_faces import LabelledFaces, joint_landmarks
from keras_3dmmstn.training.data.readers.aflw import is_aflw, read_aflw
from keras_3dmmstn.training.data.readers.cfp import is_cfp, read_cfp
from keras_3dmmstn.training.data.readers.label_files import label_files
from keras_3dmmstn.training.data.readers.landmark_files import read_300w, read_landmark_csv

__all__ = [
    "LabelledFaces",
    "joint_landmarks",
    "read_300w",
    "read_aflw",
    "read_cfp",
    "read_faces",
    "read_landmark_csv",
]

logger = logging.getLogger(__name__)


def read_faces(
    folders: str | Path | Sequence[str | Path], anywhere: bool = False, frontal: bool = False
) -> LabelledFaces:
    """Reads folders of labelled photographs into one collection.

    Args:
        folders: one or several; their formats may differ: 300-W (`.pts` beside each photograph),
            `landmarks.csv` with `images/`, CFP (the same with its own columns), or AFLW
            (`aflw.sqlite` with `flickr/`).
        anywhere: whether a CSV file or database may name photographs outside its folder, by an
            absolute name or with `..`. Otherwise these are left out and named.
        frontal: whether the frontal photographs of CFP are also read, without labels.

    Raises:
        ValueError: if a folder has none of these formats, or its content is malformed.
    """
    if isinstance(folders, str | Path):
        folders = [folders]
    if not folders:
        raise ValueError("Expected at least one folder of labelled photographs, received none.")
    return reduce(add, [_read_and_logged(Path(folder), anywhere, frontal) for folder in folders])


def _read_and_logged(folder, anywhere, frontal):
    """Reads one folder and logs how many faces there are and which were left out."""
    faces = _read_folder(folder, anywhere, frontal)
    logger.info("%s: %d labelled faces, %d left out", folder, len(faces), len(faces.skipped))
    for skipped in faces.skipped:
        logger.info("left out: %s", skipped)
    return faces


def _read_folder(folder, anywhere, frontal):
    """Reads one folder of any of the formats."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "and there is nothing of that name"
        raise ValueError(f"Expected a folder of labelled photographs, received {folder}, {found}.")
    if (folder / "landmarks.csv").exists():
        if is_cfp(folder):
            return read_cfp(folder, anywhere, frontal)
        return read_landmark_csv(folder, anywhere)
    if is_aflw(folder):
        return read_aflw(folder, anywhere=anywhere)
    if not label_files(folder, ".pts", below=True):
        raise ValueError(
            f"{folder}: expected landmarks.csv with images/ (CFP's, too), aflw.sqlite "
            "with flickr/, or photographs with .pts files beside them (300-W), found none of them."
        )
    return read_300w(folder)
