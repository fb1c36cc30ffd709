"""Readers of photographs with landmarks in text files beside them: 300-W and CSV."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, LANDMARK_SET, mirror_permutation
from keras_3dmmstn.number_texts import number_or_nan
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces, joint_landmarks
from keras_3dmmstn.training.data.plausible_faces import plausible_faces, single_precision
from keras_3dmmstn.training.data.readers.label_files import (
    label_files,
    photographs_beside,
    read_each,
)
from keras_3dmmstn.training.data.readers.landmark_table import (
    LANDMARK_TABLE,
    check_images,
    check_read_once,
    numbers_in,
    read_table,
    shown,
    source_of,
)
from keras_3dmmstn.training.data.readers.photograph_names import within_folder

# A landmarks.csv has columns x0, y0, x1, y1 ...: their number tells the landmark set.
_SETS = {len(mirror_permutation(name)): name for name in ("ibug68", "aflw21", LANDMARK_SET)}
# Or it names five points, as MTFL does.
_FIVE_NAMES = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
_POSE = ("roll", "pitch", "yaw")


def read_300w(folder: str | Path) -> LabelledFaces:
    """Reads a folder of 300-W: photographs and, beside each, its 68 points as `.pts`.

    Args:
        folder: the folder; subfolders are read too. Suffixes may be in capital letters.

    Returns:
        The faces; those whose `.pts` file is malformed are in `skipped`.

    Raises:
        ValueError: if there is no `.pts` file, or none that can be read.

    Source:
        Sagonas et al. 2013. The points count pixels from 1; ours from 0.
    """
    files = label_files(Path(folder), ".pts", below=True)
    if not files:
        raise ValueError(f"Expected .pts files of 300-W in {folder}, found none.")
    photographs, source = photographs_beside(files), source_of(folder)
    names = [f"{source}/{path.relative_to(folder)}" for path in photographs]
    points, places, skipped = read_each(files, names, read_pts)
    return plausible_faces(
        LabelledFaces(
            tuple(photographs[place] for place in places),
            joint_landmarks(np.stack(points) - 1, "ibug68"),
            names=tuple(names[place] for place in places),
            sources=(source,) * len(places),
            skipped=tuple(skipped),
        )
    )


def read_pts(path: Path) -> np.ndarray:
    """Reads the points of one `.pts` file as written, `(68, 2)`."""
    try:
        lines = path.read_text("utf-8").split("{")[-1].split("}")[0].split()
        points = single_precision(np.array([number_or_nan(word) for word in lines])).reshape(-1, 2)
    except ValueError as error:
        raise ValueError(f"{path}: expected pairs of numbers between braces: {error}") from error
    if points.shape != (IBUG68_COUNT, 2):
        raise ValueError(f"{path}: expected {IBUG68_COUNT} points, received {len(points)}.")
    return points


def read_landmark_csv(folder: str | Path, anywhere: bool = False) -> LabelledFaces:
    """Reads `landmarks.csv` with `images/`; pixels are counted from 0.

    Its columns are image, and x0, y0, x1, y1 ... for the 68 points of `ibug68`, the 21 of
    `aflw21`, or both (89); or x_left_eye, y_left_eye, and so on with right_eye, nose, left_mouth
    and right_mouth (left is image-left). It may have subject, confidences c0, c1 ..., and roll,
    pitch, yaw in radians. A number that is empty or nan is not labelled.

    Args:
        folder: the folder.
        anywhere: whether its names may be absolute, or leave `images/` with `..`.

    Returns:
        The faces; rows that were cut off, or whose photographs are elsewhere, are in `skipped`.

    Raises:
        ValueError: if it is not a CSV table in UTF-8, columns are missing or occur twice, a row
            names no image, a value is not a number, or no face is left.
    """
    folder = Path(folder)
    path = folder / LANDMARK_TABLE
    header, rows, skipped = read_table(path)
    points, landmark_set = _points_of_columns(path, header)
    check_images(path, header, rows, skipped)
    axes = ("x", "y", "c") if "c" + points[0] in header else ("x", "y")
    columns = [axis + point for point in points for axis in axes]
    check_read_once(path, header, {"image", "subject", *columns, *_POSE})
    landmarks = numbers_in(path, rows, columns)
    pose = np.full((len(rows), len(_POSE)), np.nan)
    if set(_POSE) <= set(header):
        pose = numbers_in(path, rows, list(_POSE))
    source = source_of(folder)
    everyone = LabelledFaces(
        tuple(folder / "images" / row["image"] for row in rows.values()),
        joint_landmarks(landmarks.reshape(len(rows), len(points), len(axes)), landmark_set),
        pose=pose,
        subjects=tuple(row.get("subject", "") for row in rows.values()),
        names=tuple(f"{source}/{row['image']}, line {line}" for line, row in rows.items()),
        sources=(source,) * len(rows),
        skipped=tuple(skipped),
    )
    return plausible_faces(within_folder(everyone, folder / "images", anywhere))


def _points_of_columns(path, header):
    """Returns the parts of column names that follow x and y, and the landmark set."""
    five = [f"_{name}" for name in _FIVE_NAMES]
    if all(axis + name in header for name in five for axis in "xy"):
        return five, "five points"
    count = 0
    while f"x{count}" in header and f"y{count}" in header:
        count += 1
    if count not in _SETS:
        raise ValueError(
            f"{path}: expected columns x0, y0, x1, y1 ... of 68, 21 or 89 points, or "
            f"x{five[0]}, y{five[0]} ... of five, received {shown(header)}."
        )
    return [str(number) for number in range(count)], _SETS[count]
