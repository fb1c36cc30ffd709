"""Turned faces: how accurate their labels are, and how long one face takes.

python experiments/turned_faces.py FOLDER [--pairs 600] [--turned 200] [--record]

FOLDER holds `landmarks.csv` with the column subject, and several photographs of each person, such
as frames of videos. For pairs of photographs of one person, turned to the same side by different
angles, the less turned face is turned to the yaw and pitch of the other. A similarity aligns its 68
points with the labels of the other photograph. The distance that remains is printed in % of √(w h)
of the labels' tight box, by the angle between the two. In the first row the faces are hardly
turned: it shows the differences of expression and the noise of the labels.
"""

import time
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
from experiment import experiment_parser, results_file, write_results

from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.training.data.faces import read_landmark_csv
from keras_3dmmstn.training.turning.face_turner import FaceTurner
from keras_3dmmstn.training.turning.new_poses import new_poses

TURNS = (0, 5, 15, 25, 35, 50)  # degrees, bounds of the rows
SMALLEST_YAW = 3  # degrees; below, there is no side


def pitch_of(fit) -> float:
    """Returns by how much a fitted face raises its chin, radians."""
    return float(np.arctan2(-fit.rotation[2, 1], fit.rotation[1, 1]))


def pairs_by_turn(faces, fits, wanted: int) -> list[list[tuple[int, int]]]:
    """Returns for each row pairs (from, to) of photographs of one person, `wanted` at most."""
    rows: list[list[tuple[int, int]]] = [[] for _ in TURNS[1:]]
    yaws = np.degrees([fit.yaw for fit in fits])
    by_subject: dict[str, list[int]] = {}
    for number, subject in enumerate(faces.subjects):
        by_subject.setdefault(subject, []).append(number)
    for numbers in by_subject.values():
        for a, b in combinations(numbers, 2):
            small, large = sorted((a, b), key=lambda n: abs(yaws[n]))
            row = np.searchsorted(TURNS, abs(yaws[large]) - abs(yaws[small]), side="right") - 1
            same_side = np.sign(yaws[small]) == np.sign(yaws[large])
            if same_side and abs(yaws[small]) > SMALLEST_YAW and row < len(rows):
                rows[row].append((small, large))
    rng = np.random.default_rng(0)
    return [[row[i] for i in rng.permutation(len(row))[:wanted]] for row in rows]


def remaining_distance(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the distances `(68,)` after the best similarity, in % of the labels' box."""
    source, target = points @ [1, 1j], labels @ [1, 1j]  # as complex numbers
    source, centre = source - source.mean(), target.mean()
    factor = (source.conj() @ (target - centre)) / (abs(source) ** 2).sum()
    box = np.sqrt(np.ptp(labels, axis=0).prod())
    return 100 * abs(factor * source + centre - target) / box


def measure_labels(turner, faces, fits, wanted) -> list[dict]:
    """Prints and returns, for each row, the mean distance over all and over inner points."""
    result = []
    bounds = pairwise(TURNS)
    for (low, high), pairs in zip(bounds, pairs_by_turn(faces, fits, wanted), strict=True):
        distances = []
        for a, b in pairs:
            labels = faces.landmarks[a]
            blank = np.zeros((8, 8, 3), np.uint8)  # only the labels are looked at
            yaw, pitch = fits[b].yaw - fits[a].yaw, pitch_of(fits[b]) - pitch_of(fits[a])
            face = turner.turn(blank, labels, fits[a], yaw, pitch)
            points, target = face.landmarks[:68, :2], faces.landmarks[b, :68, :2]
            distances.append(remaining_distance(points.astype(float), target.astype(float)))
        if not pairs:
            continue
        mean = np.mean(distances, axis=0)
        row = {"from": low, "to": high, "pairs": len(pairs)}
        row |= {"all": float(mean.mean()), "inner": float(mean[17:].mean())}
        print(f"{low:3d}-{high}°  {len(pairs):4d} pairs  {row['all']:.2f} / {row['inner']:.2f}")
        result.append(row)
    return result


def measure_time(turner, faces, fits, count) -> float:
    """Returns the median milliseconds of CPU time for one turned face, its photograph at hand."""
    times = []
    for number in range(min(count, len(faces))):
        photograph = read_photograph(faces.paths[number])
        ((yaw, pitch),) = new_poses(fits[number].yaw, 1, np.random.default_rng(number))
        start = time.process_time()
        turner.turn(photograph, faces.landmarks[number], fits[number], yaw, pitch)
        times.append(1000 * (time.process_time() - start))
    return float(np.median(times))


def main():
    """Measures, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=600)
    parser.add_argument("--turned", type=int, default=200)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    faces = read_landmark_csv(arguments.folder)
    turner = FaceTurner(GridModel.bundled())
    start = time.process_time()
    fits = [turner.fitter.fit(landmarks) for landmarks in faces.landmarks]
    fit_time = 1000 * (time.process_time() - start) / len(faces)
    turn_time = measure_time(turner, faces, fits, arguments.turned)
    print(f"{fit_time:.1f} ms a fit, {turn_time:.1f} ms a turned face (CPU time)")
    print("mean distance in % of √(w h), 68 points / 51 inner points")
    rows = measure_labels(turner, faces, fits, arguments.pairs)
    record = {"fit_ms": fit_time, "turn_ms": turn_time, "by_turn": rows}
    out = results_file("turned_faces.json", arguments.record)
    write_results(out, record)
    print(out)


if __name__ == "__main__":
    main()
