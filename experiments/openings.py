"""How far open are mouths and eyes of fitted faces, beside those of the labels?

python experiments/openings.py SET... [--weights RUN] [--record]

Each SET is a folder with 68 points, such as 300w/afw and youtube/val; a face is seen in the tight
box of its labels. The opening of a mouth is the mean gap of its inner lips over its width, that of
an eye the mean gap of its lids over its width. Mouths with a labelled opening over 5 % are open. It
prints how large the openings of the fitted open mouths are together, in % of those of the labels;
the mean opening of the closed mouths, labelled and fitted, in % of the width; and the same ratio
for all eyes.
"""

from pathlib import Path

import numpy as np
from experiment import experiment_parser, results_file, write_results
from rich.progress import track

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.network.framing import tight_box
from keras_3dmmstn.training.data.faces import read_faces

LEAST_OPEN = 0.05
# Corners, and pairs of points above and below each other.
MOUTH = ((48, 54), ((61, 67), (62, 66), (63, 65)))
EYES = (((36, 39), ((37, 41), (38, 40))), ((42, 45), ((43, 47), (44, 46))))


def opening(points: np.ndarray, corners: tuple[int, int], pairs: tuple) -> float:
    """Returns the mean gap of pairs of points of a face `(68, 2)` over the distance of corners."""
    gaps = [np.linalg.norm(points[above] - points[below]) for above, below in pairs]
    return float(np.mean(gaps) / np.linalg.norm(points[corners[0]] - points[corners[1]]))


def measure(normaliser: Normaliser, folder: Path) -> dict[str, float]:
    """Returns what is printed of a set."""
    faces, mouths, eyes = read_faces(folder), [], []
    for path, landmarks in zip(track(faces.paths, folder.name), faces.landmarks, strict=True):
        labels = landmarks[:68, :2].astype(float)
        (face,) = normaliser(read_photograph(path, upright=False), [tight_box(labels)])
        both = labels, face.landmarks("ibug68")
        mouths.append([opening(points, *MOUTH) for points in both])
        eyes += [[opening(points, *eye) for points in both] for eye in EYES]
    labelled, fitted = np.array(mouths).T
    is_open = labelled > LEAST_OPEN
    labelled_eyes, fitted_eyes = np.array(eyes).T
    numbers = {
        "open mouths": is_open.sum(),
        "open": 100 * fitted[is_open].sum() / labelled[is_open].sum(),
        "closed, labelled": 100 * labelled[~is_open].mean(),
        "closed, fitted": 100 * fitted[~is_open].mean(),
        "eyes": 100 * fitted_eyes.sum() / labelled_eyes.sum(),
    }
    return {name: round(float(number), 2) for name, number in numbers.items()}


def main():
    """Measures, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, help="a run or preset, not the bundled ones")
    arguments = parser.parse_args()
    weights = arguments.weights
    normaliser = Normaliser.load(weights) if weights else Normaliser.pretrained()
    results = {}
    for folder in arguments.sets:
        results["/".join(folder.parts[-2:])] = numbers = measure(normaliser, folder)
        print(folder, numbers)
    out = results_file("openings.json", arguments.record)
    write_results(out, results)
    print(out)


if __name__ == "__main__":
    main()
