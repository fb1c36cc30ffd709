"""Photographs with labelled faces, of any of the data sets that detectors are measured on."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.network.framing import tight_box
from keras_3dmmstn.training.data.faces import read_faces

# Of the 30 points of a profile of CFP: the bridge of the nose and the chin.
_CFP_BRIDGE, _CFP_CHIN = 18, 8
# Of the 68 points: eyes, tip of the nose, corners of the mouth, as MTFL has them.
_FIVE = [range(36, 42), range(42, 48), [30], [48], [54]]


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with labelled faces.

    Attributes:
        image: `(height, width, 3)` uint8 RGB.
        faces: for each face points `(n, 2)` whose tight box is the label; the 68 points where
            they are known.
    """

    image: np.ndarray
    faces: Sequence[np.ndarray]

    @property
    def boxes(self) -> np.ndarray:
        """The labels' boxes, `(n, 4)`."""
        return np.array([tight_box(face) for face in self.faces]).reshape(-1, 4)


def chosen(scenes: Sequence, count: int) -> list:
    """Returns `count` of a sequence, evenly spread over it, or all if there are no more."""
    places = np.linspace(0, len(scenes), min(count, len(scenes)), endpoint=False).astype(int)
    return [scenes[place] for place in places]


def read_scenes(faces: Path, name: str, count: int) -> list[Scene]:
    """Reads photographs of one face each.

    Args:
        faces: the folder of the data sets.
        name: `300w/...`, `youtube/...`, `mtfl`, `cfp/frontal` or `cfp/profile`.
        count: how many, spread over the data set.
    """
    if name == "mtfl":
        return _read_mtfl(faces, count)
    if name.startswith("cfp/"):
        return _read_cfp(faces / "cfp", name.removeprefix("cfp/"), count)
    labelled = read_faces(faces / name)
    return [
        Scene(
            read_photograph(labelled.paths[i], upright=False),
            [labelled.landmarks[i, :68, :2].astype(float)],
        )
        for i in chosen(range(len(labelled.paths)), count)
    ]


def _read_cfp(folder, kind, count):
    """Returns photographs of CFP; the half that is not labelled is the other's mirror image."""
    with (folder / "landmarks.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == kind]
    with (folder / "suspect_profile.csv").open(newline="") as file:
        suspect = {row["image"] for row in csv.DictReader(file)}
    scenes = []
    for row in chosen([row for row in rows if row["image"] not in suspect], count):
        (path,) = folder.rglob(row["image"])
        points = np.array([[row[f"x{i}"], row[f"y{i}"]] for i in range(30)], float)
        if kind == "frontal":
            points = np.concatenate([points, _mirrored(points)])
        scenes.append(Scene(read_photograph(path, upright=False), [points]))
    return scenes


def _mirrored(points):
    """Returns points mirrored at the line through bridge of the nose and chin."""
    start = points[_CFP_BRIDGE]
    along = points[_CFP_CHIN] - start
    along = along / np.linalg.norm(along)
    return start + 2 * ((points - start) @ along)[:, None] * along - (points - start)


def _read_mtfl(faces, count):
    """Returns photographs of MTFL, with the mean face of Helen laid on their five points."""
    mean = read_faces(faces / "300w/helen/trainset").landmarks[:, :68, :2].astype(float)
    mean = np.mean([(face - face.mean(0)) / face.std() for face in mean], axis=0)
    five = np.array([mean[list(part)].mean(axis=0) for part in _FIVE])
    with (faces / "mtfl/landmarks.csv").open(newline="") as file:
        rows = chosen(list(csv.reader(file))[1:], count)
    scenes = []
    for name, *numbers in rows:
        points = np.array(numbers, float).reshape(5, 2)
        matrix, _ = cv2.estimateAffinePartial2D(five, points, method=cv2.LMEDS)
        image = read_photograph(faces / "mtfl/images" / name, upright=False)
        scenes.append(Scene(image, [moved(mean, matrix)]))
    return scenes


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Returns points `(n, 2)` where a matrix `(2, 3)` takes them."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def size_of(face: np.ndarray) -> float:
    """Returns √(w·h) of the tight box of a face's points."""
    return float(np.sqrt(np.prod(np.ptp(face, axis=0))))
