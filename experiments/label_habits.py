"""How much of the error is a habit of those who labelled, the same in every photograph?

python experiments/label_habits.py SET... [--weights RUN] [--record]

Each SET is a folder with 68 points, such as 300w/afw and youtube/val. On each set, the mean offset
between prediction and label is taken for each point, in the image and in sides √(w h) of the face's
box. It prints the mean error over the faces of each set in %, for 68 and for the 51 inner points:
unchanged, and with the offsets of each set subtracted. An offset that helps only on its own set is
a habit of those who labelled it. The shift is the mean of the inner points' offsets, to the right
and down in the image.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from experiment import experiment_parser, results_file, write_results
from peers import Ours, size_of
from rich.progress import track

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, JAW_POINTS
from keras_3dmmstn.network.framing import tight_box
from keras_3dmmstn.training.data.faces import read_faces

MOST_FACES = 600


@dataclass(frozen=True)
class Differences:
    """Prediction minus label `(n, 68, 2)` of a set's faces, in sides of their boxes."""

    values: np.ndarray

    @property
    def offsets(self) -> np.ndarray:
        """The mean of each point `(68, 2)`."""
        return self.values.mean(axis=0)

    @property
    def shift(self) -> list[float]:
        """The mean offset of the inner points in %, to the right and down."""
        return (100 * self.offsets[JAW_POINTS:].mean(axis=0)).tolist()

    def errors(self, offsets: np.ndarray | float = 0.0) -> list[float]:
        """Returns the mean error in %, of all and of the inner points, without some offsets."""
        distance = 100 * np.linalg.norm(self.values - offsets, axis=2)
        return [float(distance.mean()), float(distance[:, JAW_POINTS:].mean())]


def differences(predict: Ours, folder: Path) -> Differences:
    """Measures the faces of a set, or a random part of a large one."""
    faces = read_faces(folder)
    chosen = np.sort(np.random.default_rng(0).permutation(len(faces))[:MOST_FACES])
    values = []
    for number in track(chosen, str(folder)):
        labels = faces.landmarks[number, :IBUG68_COUNT, :2].astype(float)
        photograph = read_photograph(faces.paths[number], upright=False)
        points = predict(photograph, tight_box(labels))[:IBUG68_COUNT]
        values.append((points - labels) / size_of(labels))
    return Differences(np.stack(values))


def main():
    """Measures, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, help="folder of weights; the bundled by default")
    arguments = parser.parse_args()
    weights = arguments.weights
    predict = Ours(Normaliser.load(weights) if weights else Normaliser.pretrained())
    measured = {"/".join(s.parts[-2:]): differences(predict, s) for s in arguments.sets}
    rows = {}
    for name, one in measured.items():
        rows[name] = {"shift": one.shift, "as it is": one.errors()}
        for other, two in measured.items():
            rows[name][f"without the offsets of {other}"] = one.errors(two.offsets)
        for what, (first, second) in rows[name].items():
            print(f"{name}, {what}: {first:.2f} / {second:.2f}", flush=True)
    out = results_file("label_habits.json", arguments.record)
    write_results(out, rows)
    print(out)


if __name__ == "__main__":
    main()
