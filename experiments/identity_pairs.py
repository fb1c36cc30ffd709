"""Photographs of known people, and pairs of them: CFP, YouTube Faces, and a folder per person."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from keras_3dmmstn.inference.central_face import PHOTOGRAPHS
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh.landmark_sets import MIRROR
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.faces import joint_landmarks, read_landmark_csv
from keras_3dmmstn.training.fitting.face_box import face_boxes

# The 30 points of CFP among those of ibug68, where the image-left half is visible.
_CFP_POINTS = np.array([*range(9), 17, 19, 21, *range(36, 42), *range(27, 31), 33, 32, 31, 48])
_CFP_POINTS = np.concatenate([_CFP_POINTS, [51, 62, 57, 66]])
# Where the box of the landmarks is in an LFW photograph, in its sides: enough for a first look.
_LFW_BOX = np.array([0.31, 0.39, 0.69, 0.76])


@dataclass(frozen=True, eq=False)
class IdentityPairs:
    """Photographs and pairs of them.

    Attributes:
        paths: the photographs.
        boxes: `(n, 4)` where the face is in each; NaN where that is not known.
        looks: how often a face is to be fitted, see `fitted_photographs`.
        pairs: name of a protocol to `(pairs, 2)` numbers of photographs.
        same: name to `(pairs,)` bool, whether they show one person.
    """

    paths: tuple[Path, ...]
    boxes: np.ndarray
    looks: int
    pairs: dict[str, np.ndarray]
    same: dict[str, np.ndarray]


def read_cfp(folder: Path, folds: int) -> IdentityPairs:
    """Reads the first folds of CFP's protocols "frontal–frontal" and "frontal–profile".

    The box of a face, frontal or profile, is that of all 68 points, estimated from the 30 labelled
    ones by `face_boxes`. Photographs in `suspect_profile.csv` are in no pair, and have no box.
    """
    with (folder / "landmarks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "suspect_profile.csv").open(newline="") as file:
        suspects = {row["image"] for row in csv.DictReader(file)}
    numbers = {row["image"]: n for n, row in enumerate(rows)}
    lists = {kind: _photograph_list(folder / f"protocol/Pair_list_{kind}.txt") for kind in "FP"}
    pairs, same = {}, {}
    for name, protocol in (("frontal–frontal", "FF"), ("frontal–profile", "FP")):
        found = [
            (lists["F"][a], lists[protocol[1]][b], kind == "same")
            for fold in range(1, folds + 1)
            for kind in ("same", "diff")
            for a, b in _numbered_pairs(folder / f"protocol/{protocol}/{fold:02d}/{kind}.txt")
        ]
        found = [f for f in found if f[0] in numbers and f[1] in numbers]
        found = [f for f in found if f[0] not in suspects and f[1] not in suspects]
        pairs[name] = np.array([(numbers[a], numbers[b]) for a, b, _ in found])
        same[name] = np.array([kind for *_, kind in found])
    boxes = face_boxes(_cfp_landmarks(rows))
    boxes[[row["image"] in suspects for row in rows]] = np.nan
    paths = tuple(folder / "images" / row["image"] for row in rows)
    return IdentityPairs(paths, boxes, 1, pairs, same)


def read_youtube(folder: Path, wanted: int) -> IdentityPairs:
    """Reads video frames of people with 68 points, whose tight box frames a face."""
    faces = read_landmark_csv(folder)
    boxes = np.stack([framing.tight_box(points[:68, :2]) for points in faces.landmarks])
    pairs, same = _drawn_pairs(faces.subjects, wanted)
    return IdentityPairs(faces.paths, boxes, 1, {"video frames": pairs}, {"video frames": same})


def read_lfw(folder: Path, wanted: int) -> IdentityPairs:
    """Reads a folder of LFW per person. The face is where LFW has it, then fitted twice."""
    paths = tuple(sorted(p for p in folder.glob("*/*") if p.suffix.lower() in PHOTOGRAPHS))
    sides = np.array([read_photograph(path).shape[1::-1] for path in paths])
    pairs, same = _drawn_pairs([path.parent.name for path in paths], wanted)
    boxes = np.tile(sides, 2) * _LFW_BOX
    return IdentityPairs(paths, boxes, 2, {"ten people": pairs}, {"ten people": same})


def _cfp_landmarks(rows):
    """Returns the 30 points of rows of CFP among the 89, `(n, 89, 3)`."""
    points = np.full((len(rows), 68, 2), np.nan)
    for number, row in enumerate(rows):
        places = _CFP_POINTS
        if row["subject_right_side"] == "0":
            places = MIRROR["ibug68"][places]
        values = [[float(row[f"{axis}{n}"]) for axis in "xy"] for n in range(len(places))]
        points[number, places] = values
    return joint_landmarks(points, "ibug68")


def _photograph_list(path):
    """Returns number to name of a photograph, such as 1 to 001_f01.jpg."""
    names = {}
    for line in path.read_text().splitlines():
        if line.strip():
            number, file = line.split()
            person, kind, image = Path(file).parts[-3:]
            names[int(number)] = f"{person}_{kind[0]}{image}"
    return names


def _numbered_pairs(path):
    return [tuple(map(int, line.split(","))) for line in path.read_text().split()]


def _drawn_pairs(persons: Sequence[str], wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws pairs of one person and as many of two, `wanted` of each at most."""
    everyone = np.array(list(combinations(range(len(persons)), 2)))
    names = np.array(persons)
    is_same = names[everyone[:, 0]] == names[everyone[:, 1]]
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(np.flatnonzero(kind)) for kind in (is_same, ~is_same)]
    count = min(wanted, *map(len, drawn))
    chosen = np.concatenate([numbers[:count] for numbers in drawn])
    return everyone[chosen], is_same[chosen]
