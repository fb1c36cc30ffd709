"""Reader of CFP, profile photographs with the 30 points of the visible half of the face."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, mirror_permutation
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces, joint_landmarks
from keras_3dmmstn.training.data.plausible_faces import plausible_faces
from keras_3dmmstn.training.data.readers.landmark_table import (
    LANDMARK_TABLE,
    Rows,
    check_images,
    check_read_once,
    numbers_in,
    read_header,
    read_table,
    shown,
    source_of,
)
from keras_3dmmstn.training.data.readers.photograph_names import within_folder
from keras_3dmmstn.training.fitting.face_box import face_boxes, rectangles_around

#: The indices of the 30 points in `ibug68` when a face shows the side that is image-left in a
#: frontal photograph: jaw from the ear to the chin, brow, eye, nose from the top to its base, lips.
#: On the lower lid CFP begins at the outer corner, `ibug68` at the inner one.
IMAGE_LEFT_POINTS = (
    *range(9),
    *(17, 19, 21),
    *(36, 37, 38, 39, 41, 40),
    *(27, 28, 29, 30, 33, 32, 31),
    *(48, 51, 62, 57, 66),
)
#: The same when it shows the other side.
IMAGE_RIGHT_POINTS = tuple(mirror_permutation("ibug68")[list(IMAGE_LEFT_POINTS)].tolist())
#: The first of the 30 points lie at the ear and on the jawbone, not on the contour as in `ibug68`:
#: they help to frame the face, but hardly count as labels.
JAWBONE_POINTS, JAWBONE_CONFIDENCE = 4, 0.01

_KINDS = ("frontal", "profile")
_COORDINATES = [f"{axis}{number}" for number in range(len(IMAGE_LEFT_POINTS)) for axis in "xy"]
_COLUMNS = ["image", "person", "kind", "subject_right_side", *_COORDINATES]
_SUSPECTS = "suspect_profile.csv"


def is_cfp(folder: str | Path) -> bool:
    """Returns whether the `landmarks.csv` of a folder has CFP's columns of kind and side.

    Raises:
        ValueError: if the file is not a CSV table in UTF-8.
    """
    path = Path(folder) / LANDMARK_TABLE
    if not path.is_file():
        return False
    header = read_header(path)
    further_point = f"x{len(IMAGE_LEFT_POINTS)}"
    return {"kind", "subject_right_side"} <= set(header) and further_point not in header


def read_cfp(folder: str | Path, anywhere: bool = False, frontal: bool = False) -> LabelledFaces:
    """Reads the profile photographs of CFP, each with 30 of the points of `ibug68`.

    Their points are labelled by hand. Those of the FRONTAL photographs come from a detector and
    must never be used as labels, neither for training nor for measuring: these photographs are
    left out, or read without labels. Photographs that `suspect_profile.csv` names, if it exists,
    are also left out: their labels are gross errors.

    Args:
        folder: contains `images/` and `landmarks.csv` with the columns image, person, kind
            ("frontal" or "profile"), subject_right_side (1: the face shows the side that is
            image-left in a frontal photograph, 0: the other) and x0, y0 ... x29, y29 in pixels
            counted from 0. A number that is empty or nan is not labelled.
        anywhere: whether its names may be absolute, or leave `images/` with `..`.
        frontal: whether the frontal photographs are also read, for pairs with the profiles of the
            same people. None of their points is labelled: the detector's points only give the
            rectangle of the face.

    Returns:
        Faces; labelled points have confidence 1, but the first four `JAWBONE_CONFIDENCE`. The
        subject is the person's number, the view is the kind; the pose is unknown. Rows that were
        cut off, or whose photographs are elsewhere, are in `skipped`.

    Raises:
        ValueError: if a table is not a CSV table in UTF-8, a column is missing, a row names no
            image, a value is none of those above, or no profile is left.

    Source:
        Sengupta et al. 2016, Frontal to Profile Face Verification in the Wild.
    """
    folder = Path(folder)
    path = folder / LANDMARK_TABLE
    header, rows, skipped = read_table(path)
    _check_columns(path, header, _COLUMNS)
    check_images(path, header, rows, skipped)
    shows_image_left = _sides(path, rows)
    points = numbers_in(path, rows, _COORDINATES).reshape(len(rows), -1, 2)
    suspects, source = _suspects(folder), source_of(folder)
    everyone = LabelledFaces(
        tuple(folder / "images" / row["image"] for row in rows.values()),
        joint_landmarks(_placed(points, shows_image_left), "ibug68"),
        subjects=tuple(row["person"] for row in rows.values()),
        names=tuple(f"{source}/{row['image']}, line {line}" for line, row in rows.items()),
        sources=(source,) * len(rows),
        skipped=tuple(skipped),
        views=tuple(row["kind"] for row in rows.values()),
    )
    kinds = np.array([row["kind"] for row in rows.values()])
    chosen = (kinds == "profile") & [row["image"] not in suspects for row in rows.values()]
    if not chosen.any():
        raise ValueError(
            f"{path}: expected at least one row of kind profile that {_SUSPECTS} does not name, "
            f"received {len(rows)} other rows."
        )
    if frontal:
        chosen |= kinds == "frontal"
    found = within_folder(everyone.choose(chosen), folder / "images", anywhere)
    return _without_detected_points(plausible_faces(found))


def _check_columns(path, header, columns):
    """Raises a ValueError unless a table has each of these columns once."""
    missing = [name for name in columns if name not in header]
    if missing:
        raise ValueError(
            f"{path}, line 1: expected a column {missing[0]}, received {shown(header)}."
        )
    check_read_once(path, header, columns)


def _sides(path: Path, rows: Rows) -> np.ndarray:
    """Returns which faces show their image-left side, `(rows,)` bool."""
    for line, row in rows.items():
        for name, known in (("kind", _KINDS), ("subject_right_side", ("0", "1"))):
            if row[name] not in known:
                raise ValueError(
                    f"{path}, line {line}: expected {' or '.join(known)} in column {name}, "
                    f"received {row[name]!r}."
                )
    return np.array([row["subject_right_side"] == "1" for row in rows.values()])


def _suspects(folder):
    """Returns the names of the photographs whose labels cannot be trusted."""
    path = folder / _SUSPECTS
    if not path.exists():
        return set()
    header, rows, cut_off = read_table(path)
    _check_columns(path, header, ["image"])
    if cut_off:
        raise ValueError(f"{path}: expected whole rows: {cut_off[0]}.")
    return {row["image"] for row in rows.values()}


def _without_detected_points(faces):
    """Returns the faces; frontal ones have a rectangle in place of their points."""
    frontal = np.array([view == "frontal" for view in faces.views])
    if not frontal.any():
        return faces
    landmarks, rectangles = faces.landmarks.copy(), faces.rectangles.copy()
    rectangles[frontal] = rectangles_around(face_boxes(landmarks[frontal]))
    landmarks[frontal] = 0
    return replace(faces, landmarks=landmarks, rectangles=rectangles)


def _placed(points, shows_image_left):
    """Returns 30 points `(faces, 30, 2)` in their places, with confidence: `(faces, 68, 3)`."""
    confidence = np.ones(points.shape[1])
    confidence[:JAWBONE_POINTS] = JAWBONE_CONFIDENCE
    placed = np.full((len(points), IBUG68_COUNT, 3), np.nan)
    for side, places in ((True, IMAGE_LEFT_POINTS), (False, IMAGE_RIGHT_POINTS)):
        faces = np.flatnonzero(shows_image_left == side)[:, None]
        placed[faces, places, :2] = points[faces[:, 0]]
        placed[faces, places, 2] = confidence
    return placed
