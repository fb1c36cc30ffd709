"""Where the detector's search needs no second look: are these places faces, and how turned?

python experiments/plain_faces.py FACES [--every 1] [--record]

FACES is the folder with 300w, youtube, mtfl and cfp. Training photographs are laid into pictures of
640 x 480 at sizes from 20 to 300 pixels, a third of them as they lie, a third turned by up to 15°
and a third by any angle. It prints how many places the search calls plain, for several minimum
scores, how many of them are labelled faces (the others may be people in the background), and how
far these faces are turned. Then all photographs are turned by 75° to 285°, where no place should be
plain.
"""

from collections.abc import Iterator
from pathlib import Path

import changed_scenes as changed
import labelled_scenes as scenes
import numpy as np
from detectors import LEAST_OVERLAP, eye_roll, overlaps
from experiment import experiment_parser, results_file, write_results
from labelled_scenes import Scene
from rich.progress import track

from keras_3dmmstn.inference.detection.face_detector import LITTLE_ROLL, PLAIN
from keras_3dmmstn.inference.detection.landmark_boxes import (
    four_points,
    landmark_box_of_search,
    roll_of,
)
from keras_3dmmstn.inference.detection.search import Search

PHOTOGRAPHS = {
    "300w/helen/trainset": 300,
    "300w/lfpw/trainset": 250,
    "youtube/train": 300,
    "cfp/profile": 700,
    "cfp/frontal": 200,
    "mtfl": 200,
}
SCORES = (0.88, 0.9, 0.91, PLAIN, 0.93)
ANGLES = (75, 90, 120, 150, 180, 210, 240, 270, 285)
SIZES = (20, 300)


def read_photographs(faces: Path, every: int) -> list[Scene]:
    """Returns training photographs, each of a face."""
    return [
        scene
        for name, count in PHOTOGRAPHS.items()
        for scene in scenes.read_scenes(faces, name, count // every)
    ]


def of_any_size_and_turn(photographs: list[Scene]) -> Iterator[Scene]:
    """Yields each photograph somewhere in a picture of 640 x 480."""
    rng = np.random.default_rng(0)
    for number, scene in enumerate(photographs):
        degrees = (0.0, rng.uniform(-15, 15), rng.uniform(-180, 180))[number % 3]
        size = np.exp(rng.uniform(*np.log(SIZES)))
        one = changed.resized(scene, size / scenes.size_of(scene.faces[0]))
        one = changed.turned(one, degrees) if degrees else one
        yield changed.at_size(one, scenes.size_of(one.faces[0]), (640, 480), rng)


def plain_places(search: Search, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns scores and boxes of landmarks of the places that look upright to the search."""
    places = search(image, min(SCORES))
    upright = [abs(roll_of(four_points(points))) <= LITTLE_ROLL for points in places.points]
    boxes = [landmark_box_of_search(box) for box in places.boxes]
    return places.scores[upright], np.array(boxes).reshape(-1, 4)[upright]


def main():
    """Measures, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take each second photograph, or so")
    arguments = parser.parse_args()
    photographs, search = read_photographs(arguments.faces, arguments.every), Search(32, 1)
    places = []  # score, whether it is a face, degrees that this is turned by
    for scene in track(of_any_size_and_turn(photographs), "Any turn", len(photographs)):
        for score, box in zip(*plain_places(search, scene.image), strict=True):
            face = scene.faces[0]
            known = np.rad2deg(abs(eye_roll(face))) if len(face) == 68 else np.nan
            places.append((score, overlaps(box[None], scene.boxes).max() >= LEAST_OVERLAP, known))
    turned = [
        score
        for scene in track(photographs, "Turned")
        for degrees in ANGLES
        for score in plain_places(search, changed.turned(scene, degrees).image)[0]
    ]
    found, results = np.array(places, float), {}
    for least in SCORES:
        chosen = found[found[:, 0] >= least]
        angles = chosen[(chosen[:, 1] > 0) & np.isfinite(chosen[:, 2]), 2]
        results[f"{least:g}"] = {
            "places": len(chosen),
            "faces": int(chosen[:, 1].sum()),
            "turned_median": round(float(np.median(angles)), 1),
            "turned_95": round(float(np.quantile(angles, 0.95)), 1),
            "turned_most": round(float(angles.max()), 1),
            "of_turned_pictures": int((np.array(turned) >= least).sum()),
        }
        print(least, results[f"{least:g}"], flush=True)
    record = {"pictures": len(photographs), "turned_pictures": len(ANGLES) * len(photographs)}
    out = results_file("plain_faces.json", arguments.record)
    write_results(out, record | {"least scores": results})
    print(record, out)


if __name__ == "__main__":
    main()
