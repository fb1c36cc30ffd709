"""Photographs with labelled landmarks: what they are, and readers of two common formats."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class LabelledFaces:
    """One labelled face in each of several photographs.

    Attributes:
        paths: the photographs.
        landmarks: `(faces, L, 3)` float32: x, y in pixels of the photograph (the centre of the
            top-left pixel is (0, 0)) and confidence, 0 where a point is not labelled.
    """

    paths: tuple[Path, ...]
    landmarks: np.ndarray

    def __post_init__(self):
        if self.landmarks.ndim != 3 or self.landmarks.shape[::2] != (len(self.paths), 3):
            raise ValueError(
                f"LabelledFaces expects landmarks of shape ({len(self.paths)}, L, 3), "
                f"received shape {self.landmarks.shape}."
            )

    def __len__(self):
        return len(self.paths)

    def __add__(self, other: "LabelledFaces") -> "LabelledFaces":
        return LabelledFaces(
            self.paths + other.paths, np.concatenate([self.landmarks, other.landmarks])
        )


def read_300w(folder: str | Path) -> LabelledFaces:
    """Reads a folder of 300-W: photographs and, beside each, its 68 points as `.pts`.

    Args:
        folder: the folder; sub-folders are read too.

    Raises:
        ValueError: if there is no `.pts` file, one is malformed, or a photograph is missing.

    Source:
        Sagonas et al. 2013. The points count pixels from 1; ours from 0.
    """
    files = sorted(Path(folder).rglob("*.pts"))
    if not files:
        raise ValueError(f"Expected .pts files of 300-W in {folder}, found none.")
    paths = tuple(_photograph_beside(file) for file in files)
    points = np.stack([read_pts(file) for file in files]) - 1
    return LabelledFaces(paths, _with_confidence(points))


def read_pts(path: Path) -> np.ndarray:
    """Reads the points of one `.pts` file as they are written, `(68, 2)`."""
    try:
        lines = path.read_text().split("{")[-1].split("}")[0].split()
        points = np.array(lines, np.float32).reshape(-1, 2)
    except ValueError as error:
        raise ValueError(f"{path}: expected pairs of numbers between braces: {error}") from error
    if points.shape != (68, 2):
        raise ValueError(f"{path}: expected 68 points, received {len(points)}.")
    return points


def read_landmark_csv(folder: str | Path) -> LabelledFaces:
    """Reads `landmarks.csv` (image, ..., x0, y0 ... x67, y67; counted from 0) with `images/`.

    Raises:
        ValueError: if the columns are missing or a value is not a number.
    """
    folder = Path(folder)
    with (folder / "landmarks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [f"{axis}{number}" for number in range(68) for axis in "xy"]
    try:
        points = np.array([[float(row[column]) for column in columns] for row in rows], np.float32)
        paths = tuple(folder / "images" / row["image"] for row in rows)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{folder / 'landmarks.csv'}: expected a column image and numbers in columns x0, y0 "
            f"... x67, y67: {error}"
        ) from error
    if not rows:
        raise ValueError(f"{folder / 'landmarks.csv'}: expected at least one row of landmarks.")
    return LabelledFaces(paths, _with_confidence(points.reshape(-1, 68, 2)))


def read_faces(folders: Sequence[str | Path]) -> LabelledFaces:
    """Reads folders of either format into one collection."""
    if not folders:
        raise ValueError("Expected at least one folder of labelled photographs, received none.")
    read = [
        (read_landmark_csv if (Path(folder) / "landmarks.csv").exists() else read_300w)(folder)
        for folder in folders
    ]
    together = read[0]
    for faces in read[1:]:
        together += faces
    return together


def _with_confidence(points):
    """Appends to points `(faces, L, 2)` confidence 1, and 0 where a coordinate is not finite."""
    confidence = np.isfinite(points).all(axis=-1, keepdims=True)
    return np.concatenate([points, confidence], axis=-1).astype(np.float32)


def _photograph_beside(file):
    """Returns the photograph with the name of a `.pts` file."""
    for suffix in (".jpg", ".png", ".jpeg", ".JPG"):
        path = file.with_suffix(suffix)
        if path.exists():
            return path
    raise ValueError(f"{file}: expected a photograph of that name (.jpg or .png) beside it.")
