"""Reader of AFLW as its owners ship it: `aflw.sqlite` and the photographs in `flickr/`."""

from pathlib import Path, PureWindowsPath

import numpy as np

from keras_3dmmstn.training.data.labelled_faces import LabelledFaces, joint_landmarks
from keras_3dmmstn.training.data.plausible_faces import plausible_faces, single_precision
from keras_3dmmstn.training.data.readers.aflw_database import read_database
from keras_3dmmstn.training.data.readers.photograph_names import within_folder

_DATABASE = "aflw.sqlite"


def is_aflw(folder: str | Path) -> bool:
    """Returns whether a folder, or a folder `data` within it, contains AFLW's database."""
    return _data_folder(folder) is not None


def read_aflw(
    folder: str | Path, minimum_points: int = 1, first_pixel: int = 1, anywhere: bool = False
) -> LabelledFaces:
    """Reads AFLW: faces with up to 21 points, with pose and rectangle where the database has them.

    A point without a row is hidden and gets confidence 0; so does a point at (-1, -1), the owners'
    mark for absent points. Rectangles may be missing, and may extend beyond the photograph.

    Args:
        folder: contains `aflw.sqlite` and `flickr/`, or a folder `data/` that does.
        minimum_points: faces with fewer labelled points are left out; 0 keeps all.
        first_pixel: the coordinate of the centre of the top-left pixel in the database, in x and
            in y. Judging by the images it is 1: see `docs/data.md`.
        anywhere: whether the database may name photographs outside its folder.

    Returns:
        The faces; those with an invalid row, or whose photographs are elsewhere, are in `skipped`.

    Raises:
        ValueError: if there is no database, it is damaged or has other tables, or no face is left.

    Source:
        Köstinger et al. 2011, Annotated Facial Landmarks in the Wild.
    """
    data = _data_folder(folder)
    if data is None:
        raise ValueError(f"Expected {_DATABASE} of AFLW in {folder}, found none.")
    faces, points, skipped = read_database(data / _DATABASE)
    points = single_precision(points - first_pixel)
    enough = np.isfinite(points).all(axis=-1).sum(axis=1) >= minimum_points
    if not enough.any():
        raise ValueError(
            f"{data / _DATABASE}: expected a face with at least {minimum_points} labelled points, "
            f"found none among {len(faces)}."
        )
    numbers = single_precision(np.array([face[3:] for face in faces], float))
    corner, size = (
        numbers[:, :2] - first_pixel,
        np.where(numbers[:, 2:4] > 0, numbers[:, 2:4], np.nan),
    )
    everyone = LabelledFaces(
        tuple(_photograph(data, db_id, file) for _, db_id, file, *_ in faces),
        joint_landmarks(points, "aflw21"),
        pose=numbers[:, 4:],
        names=tuple(f"{file}, face {face_id}" for face_id, _, file, *_ in faces),
        rectangles=np.concatenate([corner, corner + size], axis=1),
        sources=("aflw",) * len(faces),
        skipped=tuple(skipped),
    )
    chosen = everyone.choose(np.flatnonzero(enough))
    return plausible_faces(within_folder(chosen, data, anywhere))


def _data_folder(folder):
    """Returns the folder that contains the database, or None."""
    for candidate in (Path(folder), Path(folder) / "data"):
        if (candidate / _DATABASE).is_file():
            return candidate
    return None


def _photograph(data, db_id, file):
    """Returns the path of a photograph; the database may write it with backslashes."""
    return data / (db_id or "flickr") / PureWindowsPath(file).as_posix()
