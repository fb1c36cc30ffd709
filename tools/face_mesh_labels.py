"""Labels photographs with MediaPipe's Face Mesh, corrected by hand labels.

python tools/face_mesh_labels.py FOLDER... --hand HELEN --hand LFPW --out OUT [--check AFW]

The 468 points of Face Mesh are not those of 300-W: the outline is elsewhere, eyes and lips are
drawn differently. A linear correction from the mesh to the 68 points is learnt on the photographs
of `--hand`. Each face is seen twice, unchanged and reflected, and the mean of the two is averaged
with the prediction of the bundled weights, or of those of `--weights`.

A FOLDER is labelled (five points are enough: they locate the faces and check the result) or has
photographs of one face each, which the detector finds. Faces that are turned by more than 40°, or
on which the sources disagree, are left out, because the mesh is unreliable there. OUT gets
`images/` and `landmarks.csv`, and is read like any other folder of labelled photographs.

The mesh is that of `experiments/face_mesh.py`: `pip install --no-deps mediapipe==0.10.14`, or
`--mediapipe` for the wheel's folder.
"""

import argparse
import csv
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

sys.path.append(str(Path(__file__).parents[1] / "experiments"))  # the mesh is a peer there

from face_mesh import MESH_SIZE, NEAREST, FaceMesh

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference.central_face import PHOTOGRAPHS, central_face
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh.head_pose import yaw_of_rotation
from keras_3dmmstn.mesh.landmark_sets import (
    IBUG68_COUNT,
    JAW_POINTS,
    LANDMARK_COUNT,
    mirror_permutation,
)
from keras_3dmmstn.network.framing import apply_similarity, tight_box
from keras_3dmmstn.training.data.faces import LabelledFaces, read_faces
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS, with_five_points
from keras_3dmmstn.training.fitting.face_box import face_boxes

MIRROR = mirror_permutation("ibug68")
#: Principal components of the mesh that the correction uses, and the weight of its prior.
COMPONENTS, RIDGE = 40, 10.0
#: Share of the mesh in the label; the rest is the bundled weights'.
MESH_WEIGHT = 0.7
#: Limits beyond which a face is left out: yaw in radians, the mesh's own score, and distances in
#: sides √(w h) of the face's box: mesh to weights, mesh to its reflection, label to five points.
LARGEST_YAW, LEAST_SCORE = float(np.radians(40)), 0.99
FURTHEST_WEIGHTS, FURTHEST_REFLECTION, FURTHEST_HAND = 0.05, 0.04, 0.05


@dataclass
class Look:
    """One look at a face: the mesh, and what the bundled weights say, as it is or reflected."""

    mesh: np.ndarray
    matrix: np.ndarray
    score: float
    weights: np.ndarray
    width: int | None  # of the photograph that was reflected

    def to_mesh(self, points: np.ndarray) -> np.ndarray:
        """Takes 68 points of the photograph into the square of the mesh."""
        return apply_similarity(self.matrix, reflected(points, self.width))

    def to_photograph(self, points: np.ndarray) -> np.ndarray:
        """Takes 68 points in the square of the mesh into the photograph."""
        inverse = cv2.invertAffineTransform(self.matrix)
        return reflected(apply_similarity(inverse, points), self.width)


def reflected(points, width):
    """Returns 68 points as they are in the reflected photograph; as they are without a width."""
    return points if width is None else (points * [-1, 1] + [width - 1, 0])[MIRROR]


def looks(mesh: FaceMesh, normaliser: Normaliser, photograph, box=None) -> tuple[list[Look], float]:
    """Returns both looks at a photograph's face, and its yaw in radians."""
    face = central_face(normaliser, photograph, box)
    first = face.landmarks()
    width = photograph.shape[1]
    mirrored = np.ascontiguousarray(photograph[:, ::-1])
    box = tight_box(reflected(first, width))
    second = central_face(normaliser, mirrored, box).landmarks()
    return [
        Look(*mesh(photograph, first), first, None),
        Look(*mesh(mirrored, second), second, width),
    ], float(yaw_of_rotation(face.rotation_matrix))


class Correction:
    """The linear map from a mesh to how far the 68 points lie from the mesh's nearest vertices.

    Args:
        seen: looks at faces, and the labels `(68, 2)` of each in its photograph.
    """

    def __init__(self, seen: list[tuple[Look, np.ndarray]]):
        features = np.stack([_features(look.mesh) for look, _ in seen])
        self._mean = features.mean(axis=0)
        _, size, axes = np.linalg.svd(features - self._mean, full_matrices=False)
        self._axes = axes[:COMPONENTS].T * (np.sqrt(len(seen)) / size[:COMPONENTS])
        inputs = np.stack([self._inputs(look.mesh) for look, _ in seen])
        targets = np.stack([self._target(look, labels) for look, labels in seen])
        prior = RIDGE * np.diag([1.0] * COMPONENTS + [0.0])
        self._map = np.linalg.solve(inputs.T @ inputs + prior, inputs.T @ targets)

    def __call__(self, look: Look) -> np.ndarray:
        """Returns the 68 points in the photograph."""
        nearest = look.mesh[NEAREST, :2]
        shift = (self._inputs(look.mesh) @ self._map).reshape(-1, 2)
        return look.to_photograph(nearest + shift * _size(nearest))

    def _inputs(self, mesh):
        return np.append((_features(mesh) - self._mean) @ self._axes, 1.0)

    @staticmethod
    def _target(look, labels):
        nearest = look.mesh[NEAREST, :2]
        return ((look.to_mesh(labels) - nearest) / _size(nearest)).ravel()


def _features(mesh):
    """Returns a mesh in sides of its square from the middle, flat."""
    half = MESH_SIZE / 2
    return ((mesh - [half, half, 0]) / half).ravel()


def _size(points):
    """Returns √(w h) of the tight box of points."""
    return float(np.sqrt(np.ptp(points, axis=0).prod()))


def _distance(points, others, size):
    """Returns the mean distance of points in sides of a box."""
    return float(np.linalg.norm(points - others, axis=1).mean()) / size


def learnt_correction(mesh, normaliser, folders) -> Correction:
    """Learns the correction from photographs with 68 points by hand."""
    faces = read_faces(folders)
    seen = []
    for path, landmarks in track(list(zip(faces.paths, faces.landmarks, strict=True)), "By hand"):
        labels = landmarks[:IBUG68_COUNT, :2].astype(float)
        photograph = read_photograph(path, upright=False)
        both, _ = looks(mesh, normaliser, photograph, tight_box(labels))
        seen += [(look, labels) for look in both]
    return Correction(seen)


def label(correction: Correction, both: list[Look], yaw: float) -> np.ndarray | str:
    """Returns the 68 points of a face, or why it is left out."""
    meshes = [correction(look) for look in both]
    weights = np.mean([reflected(look.weights, look.width) for look in both], axis=0)
    by_mesh = np.mean(meshes, axis=0)
    size = _size(by_mesh)
    if abs(yaw) > LARGEST_YAW:
        return "turned too far"
    if min(look.score for look in both) < LEAST_SCORE:
        return "no face for the mesh"
    if _distance(*meshes, size) > FURTHEST_REFLECTION:
        return "another mesh when reflected"
    if _distance(by_mesh, weights, size) > FURTHEST_WEIGHTS:
        return "mesh and weights disagree"
    return MESH_WEIGHT * by_mesh + (1 - MESH_WEIGHT) * weights


def check(correction: Correction, mesh: FaceMesh, normaliser: Normaliser, folder: Path) -> None:
    """Prints how far the labels are from those by hand, where there are any."""
    faces, errors = read_faces(folder), []
    for path, landmarks in track(list(zip(faces.paths, faces.landmarks, strict=True)), "Checking"):
        hand = landmarks[:IBUG68_COUNT, :2].astype(float)
        both, yaw = looks(mesh, normaliser, read_photograph(path, upright=False), tight_box(hand))
        points = label(correction, both, yaw)
        if not isinstance(points, str):
            errors.append(100 * np.linalg.norm(points - hand, axis=1) / _size(hand))
    mean = np.mean(errors, axis=0)
    print(
        f"{folder}: {len(errors)} of {len(faces)} faces labelled, {mean.mean():.2f} % off, "
        f"{mean[JAW_POINTS:].mean():.2f} % inside"
    )


def to_be_labelled(folder: Path, named: str) -> LabelledFaces:
    """Returns the photographs of a folder, with the labels that it has if it is a labelled one."""
    if not named:
        return read_faces(folder)
    paths = sorted(path for path in folder.rglob(named) if path.suffix.lower() in PHOTOGRAPHS)
    subjects = [path.stem.split("_")[0] for path in paths]
    return LabelledFaces(
        tuple(paths), np.zeros((len(paths), LANDMARK_COUNT, 3)), subjects=tuple(subjects)
    )


def labelled(correction, mesh, normaliser, faces: LabelledFaces, name: str):
    """Yields for each face its number and its 68 points, or why it is left out."""
    boxes = face_boxes(faces.landmarks)
    for number in track(range(len(faces)), name):
        try:
            photograph = read_photograph(faces.paths[number], upright=False)
            box = boxes[number] if np.isfinite(boxes[number]).all() else None
            points = label(correction, *looks(mesh, normaliser, photograph, box))
        except ValueError as error:
            yield number, str(error).split(":")[-1].strip()
            continue
        hand = faces.landmarks[number, list(FIVE_POINTS)]
        disagree = not isinstance(points, str) and not _agrees(points, hand)
        yield number, "hand labels disagree" if disagree else points


def _agrees(points, hand):
    """Says whether 68 points are near the five points by hand `(5, 3)`, if there are any."""
    if not (hand[:, 2] > 0).all():
        return True
    whole = np.zeros((LANDMARK_COUNT, 3), np.float32)
    whole[:IBUG68_COUNT] = np.column_stack([points, np.ones(IBUG68_COUNT)])
    own = with_five_points(whole)[list(FIVE_POINTS), :2]
    return _distance(own, hand[:, :2], _size(points)) <= FURTHEST_HAND


def write(out: Path, faces: LabelledFaces, answers, table, outcome: Counter) -> None:
    """Copies the photographs that were labelled, writes their points, and counts the others."""
    for number, points in answers:
        outcome["labelled" if not isinstance(points, str) else points] += 1
        if isinstance(points, str):
            continue
        name = f"{outcome['labelled']:06d}{faces.paths[number].suffix}"
        shutil.copyfile(faces.paths[number], out / "images" / name)
        values = [f"{value:.2f}" for value in points.ravel()]
        table.writerow([name, faces.subjects[number], *values])


def command_line() -> argparse.Namespace:
    """Returns the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="*", type=Path)
    parser.add_argument("--hand", action="append", required=True, type=Path)
    parser.add_argument(
        "--named",
        default="",
        help="a pattern such as '*_f*.jpg': the folders are not labelled; photographs so named",
    )
    parser.add_argument("--subjects", help="FROM-TO: of the numbers that names begin with")
    parser.add_argument(
        "--check", type=Path, help="folder with 68 points by hand: how far off the labels are there"
    )
    parser.add_argument(
        "--weights", type=Path, help="folder of a run in place of the bundled weights"
    )
    parser.add_argument("--mediapipe", type=Path, help="the wheel's folder `mediapipe`")
    parser.add_argument("--out", required=True, type=Path)
    return parser.parse_args()


def main():
    """Learns the correction, labels, and writes."""
    arguments = command_line()
    mesh = FaceMesh(arguments.mediapipe)
    weights = arguments.weights
    normaliser = Normaliser.load(weights) if weights else Normaliser.pretrained()
    unfinished = arguments.out.with_name(f"{arguments.out.name}.unfinished")
    if arguments.out.exists():
        sys.exit(f"{arguments.out}: expected a new folder.")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was stopped
    (unfinished / "images").mkdir(parents=True)
    correction = learnt_correction(mesh, normaliser, arguments.hand)
    if arguments.check:
        check(correction, mesh, normaliser, arguments.check)
    outcome: Counter[str] = Counter()
    with (unfinished / "landmarks.csv").open("w", newline="") as file:
        table = csv.writer(file)
        coordinates = [f"{axis}{k}" for k in range(IBUG68_COUNT) for axis in "xy"]
        table.writerow(["image", "subject", *coordinates])
        for folder in arguments.folder:
            faces = to_be_labelled(folder, arguments.named)
            if arguments.subjects:
                first, last = map(int, arguments.subjects.split("-"))
                faces = faces.choose([first <= int(name) <= last for name in faces.subjects])
            answers = labelled(correction, mesh, normaliser, faces, folder.name)
            write(unfinished, faces, answers, table, outcome)
    unfinished.rename(arguments.out)
    for reason, count in outcome.most_common():
        print(f"{count:6d} {reason}")


if __name__ == "__main__":
    main()
