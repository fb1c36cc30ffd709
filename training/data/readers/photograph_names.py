"""Names of photographs in tables, which must stay within the folder of the data set."""

from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.data.skipped import Skipped, nothing_left


def leaves_folder(name: str) -> bool:
    """Returns whether a name, of any operating system, is absolute or leaves with `..`."""
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    absolute = path.is_absolute() or bool(windows.drive or windows.root)
    return absolute or ".." in path.parts or ".." in windows.parts


def within_folder(faces: LabelledFaces, folder: Path, anywhere: bool) -> LabelledFaces:
    """Leaves out faces whose photographs a table places outside its folder, and names them.

    Otherwise, a table from someone else could decide which files of this machine are read.

    Args:
        faces: the faces of a table.
        folder: the photographs' folder, with which all paths begin.
        anywhere: whether they may be elsewhere; nothing is left out then.

    Raises:
        ValueError: if none is left.
    """
    if anywhere:
        return faces
    outside = np.array([_is_outside(path, folder) for path in faces.paths], bool)
    if not outside.any():
        return faces
    skipped = faces.skipped + tuple(
        Skipped(
            faces.names[number],
            f"expected a photograph in {folder}, received {faces.paths[number]}; use --anywhere, "
            "or anywhere=True in Python, if that is meant",
        )
        for number in np.flatnonzero(outside)
    )
    if outside.all():
        raise nothing_left(skipped)
    return replace(faces.choose(~outside), skipped=skipped)


def _is_outside(path, folder):
    """Returns whether a path leaves a folder. Links in the folder are allowed: they are its own."""
    try:
        return leaves_folder(str(path.relative_to(folder)))
    except ValueError:  # an absolute name replaced the folder
        return True
