"""How small places are best looked at closer: faces found, false alarms and time.

python experiments/small_faces.py FACES [--record]

FACES is the folder with 300w, youtube, mtfl and cfp. For each setting of the closer look: recall of
training photographs laid into pictures of 640 x 480 with faces of 24, 32 and 48 pixels, false
alarms in the unchanged photographs, and the detector's processor time on these, taking turns. None
of the photographs is measured by `detectors.py`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import changed_scenes as changed
import labelled_scenes as scenes
import numpy as np
from detectors import measure
from experiment import experiment_parser, results_file, write_results
from labelled_scenes import Scene

from keras_3dmmstn.inference.detection import FaceDetector, closer_look, search

COUNTS = {
    "cfp/profile": 100,
    "300w/helen/trainset": 30,
    "300w/lfpw/trainset": 30,
    "youtube/train": 30,
    "mtfl": 30,
}
SIZES = (24, 32, 48)
# Pixels of the box's larger side, side of the square, the largest box that is looked at closer, the
# least score of the search, number of looks in vain, score from which on a larger place hides what
# lies in it, least score of a closer look within a larger place that may be a face.
SETTINGS = {
    "no closer look": (64, 96, 0, 0.02, 8, 0.3, 0.78),
    "44 pixels, boxes to 50": (44, 96, 50, 0.02, 8, 0.3, 0.78),
    "64 pixels, boxes to 40": (64, 96, 40, 0.02, 8, 0.3, 0.78),
    "64 pixels, boxes to 50": (64, 96, 50, 0.02, 8, 0.3, 0.78),
    "the same, hidden by larger places from 0.06": (64, 96, 50, 0.02, 8, 0.06, 0.78),
    "the same, hidden by larger places from 0.88": (64, 96, 50, 0.02, 8, 0.88, 0.78),
    "the same, clear within larger places from 0.5": (64, 96, 50, 0.02, 8, 0.3, 0.5),
    "64 pixels, boxes to 60": (64, 96, 60, 0.02, 8, 0.3, 0.78),
    "64 pixels, boxes to 50, hints from 0.01, 4 in vain": (64, 96, 50, 0.01, 4, 0.3, 0.78),
    "64 pixels, boxes to 50, hints from 0.01": (64, 96, 50, 0.01, 8, 0.3, 0.78),
    "64 pixels, boxes to 50, hints from 0.01, 12 in vain": (64, 96, 50, 0.01, 12, 0.3, 0.78),
    "80 of 128 pixels, boxes to 50": (80, 128, 50, 0.02, 8, 0.3, 0.78),
}


@contextmanager
def setting(
    seen: float, side: int, small: float, hint: float, most: int, likely: float, within: float
) -> Iterator[None]:
    """Gives the closer look other constants."""
    constants = {
        "_SEEN": seen,
        "_SIDE": side,
        "_SMALL": small,
        "HINT": hint,
        "_MOST_IN_VAIN": most,
        "_LIKELY": likely,
        "_CLEAR_WITHIN": within,
    }
    with mock.patch.multiple(closer_look, **constants), mock.patch.object(search, "HINT", hint):
        yield


def read_photographs(faces: Path) -> dict[str, list[Scene]]:
    """Returns training photographs of each set; of CFP and MTFL what `detectors.py` leaves out."""
    read = {}
    for name, count in COUNTS.items():
        if name.startswith(("cfp", "mtfl")):
            # It takes at most 100, spread over all: of three in a row the second is none of them.
            read[name] = scenes.read_scenes(faces, name, 300)[1::3][:count]
        else:
            read[name] = scenes.read_scenes(faces, name, count)
    return read


def at_sizes(photographs: dict[str, list[Scene]]) -> Iterator[tuple[str, list[Scene]]]:
    """Yields rows of the table, with pictures in which faces have one size."""
    for name, some in photographs.items():
        for size in SIZES:
            rng = np.random.default_rng(size)
            yield (
                f"{name}, {size} pixels",
                [changed.at_size(one, size, (640, 480), rng) for one in some],
            )


def milliseconds(detector: FaceDetector, pictures: list[Scene]) -> dict[str, float]:
    """Returns the mean processor time of a picture with each setting, which take turns."""
    taken = {name: 0.0 for name in SETTINGS}
    for picture in pictures:
        for name, constants in SETTINGS.items():
            with setting(*constants):
                detector.find(picture.image)  # its size may be new
                start = time.process_time()
                detector.find(picture.image)
                taken[name] += time.process_time() - start
    return {name: round(1000 * total / len(pictures), 2) for name, total in taken.items()}


def main():
    """Measures, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    arguments = parser.parse_args()
    photographs = read_photographs(arguments.faces)
    detectors = {smallest: FaceDetector(smallest=smallest) for smallest in (32, 24)}
    results: dict = {name: {} for name in SETTINGS}
    for row, pictures in [*at_sizes(photographs), *photographs.items()]:
        print(f"{row}: {len(pictures)} pictures")
        for name, constants in SETTINGS.items():
            with setting(*constants):
                results[name][row] = {
                    f"smallest={smallest}": measure(detector, pictures)
                    for smallest, detector in detectors.items()
                }
            print(f"    {name}: {results[name][row]}", flush=True)
    everything = [one for some in photographs.values() for one in some]
    for name, time_of_one in milliseconds(detectors[32], everything).items():
        results[name]["processor_ms"] = time_of_one
        print(name, time_of_one, "ms")
    out = results_file("small_faces.json", arguments.record)
    write_results(out, results)
    print(out)


if __name__ == "__main__":
    main()
