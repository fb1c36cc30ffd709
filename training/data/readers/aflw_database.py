"""The database of AFLW: its rows, checked."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import numpy as np

from keras_3dmmstn.mesh.landmark_sets import AFLW21_NAMES
from keras_3dmmstn.training.data.skipped import Skipped, nothing_left

_TABLES = ("Faces", "FaceImages", "FaceRect", "FacePose", "FeatureCoords")
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
# Steps of SQLite's machine: a minimum, and more per byte of the file. AFLW takes 0.2 per byte.
_FEWEST_STEPS, _STEPS_PER_BYTE, _STEPS_BETWEEN_LOOKS = 100_000_000, 20, 100_000

# Bytes that a value, or the statement that creates a table, may have in the smallest file.
_SHORT_VALUE = 100_000


def read_database(path: Path) -> tuple[list[tuple], np.ndarray, list[Skipped]]:
    """Reads the faces of AFLW's database.

    Args:
        path: `aflw.sqlite`.

    Returns:
        A row (face_id, db_id, file, x, y, w, h, roll, pitch, yaw) for each face, whose numbers may
        be None; its points `(faces, 21, 2)` float64, NaN where there is none; and the faces with
        an unusable row.

    Raises:
        ValueError: if it is not such a database, or no row is left.
    """
    faces, points = _rows(path)
    wrong = {face[0]: _fault(face) for face in faces if _fault(face)}
    for face_id, *values in points:
        if not all(_is_number(value) for value in values):
            wrong.setdefault(face_id, f"expected numbers of its points, received {_short(values)}")
    skipped = [
        Skipped(f"{path}, face {_short(face[0])}", wrong[face[0]])
        for face in faces
        if face[0] in wrong
    ]
    whole = [face for face in faces if face[0] not in wrong]
    if skipped and not whole:
        raise nothing_left(skipped)
    return whole, _placed(whole, points), skipped


def _rows(path):
    """Returns the rows of `_FACES` and `_POINTS`."""
    # Nothing is written: no journal beside the file, which may be write-protected.
    address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    steps = _FEWEST_STEPS + _STEPS_PER_BYTE * path.stat().st_size
    looks = iter(range(steps // _STEPS_BETWEEN_LOOKS))
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            # Stops a query that would run for ever.
            database.set_progress_handler(lambda: next(looks, None) is None, _STEPS_BETWEEN_LOOKS)
            # No value is longer than the file, whatever a damaged page says.
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(path.stat().st_size, _SHORT_VALUE))
            _refuse_views(path, database)
            _refuse_computed_columns(path, database)
            return database.execute(_FACES).fetchall(), database.execute(_POINTS).fetchall()
    # A damaged page may ask for any memory, and be quoted in what SQLite says of it.
    except (sqlite3.Error, MemoryError, UnicodeDecodeError) as error:
        reason = str(error) or "it asks for more memory than there is"
        raise ValueError(f"{path}: expected the database of AFLW: {reason}.") from error


def _refuse_views(path, database):
    """Raises a ValueError if a view, which may have any content, takes the place of a table."""
    kinds = database.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
    for name, kind, sql in kinds:
        wanted = isinstance(name, str) and name.lower() in map(str.lower, _TABLES)
        virtual = " ".join(str(sql).split()[:2]).upper() == "CREATE VIRTUAL"
        if wanted and (kind == "view" or virtual):
            raise ValueError(f"{path}: expected a table {name}, received a {kind} of that name.")


def _refuse_computed_columns(path, database):
    """Raises a ValueError if a column is computed: a few bytes could make gigabytes of it."""
    for table in _TABLES:
        columns = database.execute("SELECT name, hidden FROM pragma_table_xinfo(?)", [table])
        for name, hidden in columns.fetchall():
            if hidden:
                raise ValueError(
                    f"{path}: expected stored values in {table}, received the computed column "
                    f"{_short(name)}."
                )


def _fault(face):
    """Returns what is wrong with a row of `_FACES`, or None."""
    face_id, db_id, file, *numbers = face
    if not isinstance(file, str) or not isinstance(db_id, (str, type(None))):
        return f"expected the name of a photograph, received {_short((db_id, file))}"
    if face_id is None or not all(_is_number(number) for number in numbers):
        return f"expected its number, rectangle and pose, received {_short((face_id, *numbers))}"
    return None


def _is_number(value):
    """Returns whether a value is a number or unknown."""
    return value is None or isinstance(value, (int, float))


def _short(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _placed(faces, rows):
    """Returns the points of faces `(faces, 21, 2)`, NaN where there is none."""
    places = {face[0]: place for place, face in enumerate(faces)}
    points = np.full((len(faces), len(AFLW21_NAMES), 2), np.nan)
    for face_id, feature_id, x, y in rows:
        known = None not in (feature_id, x, y) and (x, y) != _ABSENT
        if known and face_id in places and feature_id in range(1, len(AFLW21_NAMES) + 1):
            points[places[face_id], int(feature_id) - 1] = x, y
    return points
