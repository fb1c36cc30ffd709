"""Reader of AFLW as its owners ship it: `aflw.sqlite` and the photographs in `flickr/`."""

import sqlite3
from contextlib import closing
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

import numpy as np

from keras_3dmmstn.mesh.landmark_sets import AFLW21_NAMES
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces, joint_landmarks
from keras_3dmmstn.training.data.plausible_faces import plausible_faces

_DATABASE = "aflw.sqlite"
_FACES = """
    SELECT Faces.face_id, Faces.db_id, COALESCE(FaceImages.filepath, Faces.file_id),
           FaceRect.x, FaceRect.y, FaceRect.w, FaceRect.h,
           FacePose.roll, FacePose.pitch, FacePose.yaw
    FROM Faces
    LEFT JOIN FaceImages ON FaceImages.file_id = Faces.file_id
    LEFT JOIN FaceRect ON FaceRect.face_id = Faces.face_id
    LEFT JOIN FacePose ON FacePose.face_id = Faces.face_id
    GROUP BY Faces.face_id
    ORDER BY Faces.face_id
"""
_POINTS = "SELECT face_id, feature_id, x, y FROM FeatureCoords"
_ABSENT = (-1.0, -1.0)


def is_aflw(folder: str | Path) -> bool:
    """Says whether a folder holds AFLW's database, or has a folder `data` that does."""
    return _data_folder(folder) is not None


def read_aflw(folder: str | Path, minimum_points: int = 1, first_pixel: int = 1) -> LabelledFaces:
    """Reads AFLW: faces with up to 21 points, with pose and rectangle where the database has them.

    A point without a row is hidden and gets confidence 0; so does one at (-1, -1), the owners'
    mark of an absent point. Rectangles may be missing, and may reach out of the photograph.

    Args:
        folder: holds `aflw.sqlite` and `flickr/`, or is the folder above (then in `data/`).
        minimum_points: faces with fewer labelled points are left out; 0 keeps all.
        first_pixel: what the database calls the centre of the top-left pixel, in x and in y. By
            the images it is 1: see `docs/data.md`.

    Raises:
        ValueError: if there is no database, it is damaged or has other tables, or no face is left.

    Source:
        Köstinger et al. 2011, Annotated Facial Landmarks in the Wild.
    """
    data = _data_folder(folder)
    if data is None:
        raise ValueError(f"Expected {_DATABASE} of AFLW in {folder}, found none.")
    faces, points = _read_database(data / _DATABASE)
    points -= first_pixel
    enough = np.isfinite(points).all(axis=-1).sum(axis=1) >= minimum_points
    if not enough.any():
        raise ValueError(
            f"{data / _DATABASE}: expected a face with at least {minimum_points} labelled points, "
            f"found none among {len(faces)}."
        )
    numbers = np.array([face[3:] for face in faces], np.float32)
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
    )
    return plausible_faces(everyone.choose(np.flatnonzero(enough)))


def _read_database(path):
    """Returns the rows of `_FACES` and the points `(faces, 21, 2)`, NaN where there is none."""
    # Nothing is written: no journal beside the file, which may be write-protected.
    address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            faces = database.execute(_FACES).fetchall()
            rows = database.execute(_POINTS).fetchall()
    except sqlite3.Error as error:
        raise ValueError(f"{path}: expected the database of AFLW: {error}.") from error
    places = {face[0]: place for place, face in enumerate(faces)}
    points = np.full((len(faces), len(AFLW21_NAMES), 2), np.nan, np.float32)
    for face_id, feature_id, x, y in rows:
        known = x is not None and y is not None and (x, y) != _ABSENT
        if known and face_id in places and 1 <= feature_id <= len(AFLW21_NAMES):
            points[places[face_id], feature_id - 1] = x, y
    return faces, points


def _data_folder(folder):
    """Returns the folder that holds the database, or None."""
    for candidate in (Path(folder), Path(folder) / "data"):
        if (candidate / _DATABASE).is_file():
            return candidate
    return None


def _photograph(data, db_id, file):
    """Returns the path of a photograph; the database may write it with backslashes."""
    return data / (db_id or "flickr") / PureWindowsPath(file).as_posix()
