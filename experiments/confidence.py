"""How far confidence and spread of the weights can be relied on.

python experiments/confidence.py FACES [--weights RUN] [--crops 1200] [--record]

FACES contains `300w`, `youtube`, `aflw` and `cfp`. From each data set that the weights were not
trained on, crops are made as for training the confidence: ordinary, misframed, half hidden, and
without a face. It prints the area under the ROC for telling faces from crops without one, and for
telling right from wrong faces (a mean error over 5 % is wrong) among all and among ordinary crops;
and the share of right ones by confidence, with a picture beside the numbers.

The confidence of the bundled weights was calibrated on AFW and YouTube Faces; AFLW and CFP are
new to it.

For the spread it prints the area under the ROC for telling landmarks that are off by more than
5 % from others, among the labelled landmarks of ordinary crops and of half hidden ones; the same
for the mean spread of each landmark, which ignores the face, and for the mean spread of each face,
which ignores the landmark; and, by tenths of the landmarks, how far off they were expected to be
and how far off they are.
"""

from pathlib import Path

import numpy as np
from experiment import experiment_parser, results_file, write_results
from peers import data_sets
from rich.progress import track

from keras_3dmmstn import Normaliser
from keras_3dmmstn.network.localiser_answers import SPREAD_LANDMARKS, answer_shapes
from keras_3dmmstn.training.confidence.confidence_run import STORED_SIZE, judged
from keras_3dmmstn.training.confidence.reliability import (
    area_under_roc,
    reliability,
    spread_reliability,
)
from keras_3dmmstn.training.confidence.train_confidence import LARGEST_ERROR, confidence_of
from keras_3dmmstn.training.confidence.train_spread import (
    FURTHEST,
    spread_of,
)
from keras_3dmmstn.training.data.crops import cut_faces

SEED = 7  # of other crops than those that the confidence was calibrated on


def described(confidence: np.ndarray, judgements) -> dict:
    """Returns the numbers of one data set."""
    right, kinds = judgements.right, judgements.kinds
    faces, ordinary = kinds != "faceless", kinds == "ordinary"
    plain = ordinary | ~faces
    rows = reliability(confidence, right)
    count = len(confidence)
    off = sum(row.count * abs(row.confidence - row.right) for row in rows if row.count) / count
    return {
        "crops": count,
        "right": float(right.mean()),
        "faces_and_none": area_under_roc(confidence[plain], faces[plain]),
        "right_and_wrong": area_under_roc(confidence[faces], right[faces]),
        "right_and_wrong_ordinary": area_under_roc(confidence[ordinary], right[ordinary]),
        "calibration_error": float(off),
        "bins": [[row.low, row.count, row.confidence, row.right] for row in rows],
    }


def described_spread(spread: np.ndarray, judgements) -> dict:
    """Returns the numbers of one data set on the spread of its landmarks `(n, 68)`."""
    distances = np.minimum(judgements.distances[:, : spread.shape[1]], FURTHEST)
    rows = spread_reliability(spread, distances)
    alternatives = {
        "spread": spread,
        "of_landmark": np.broadcast_to(spread.mean(axis=0), spread.shape),
        "of_face": np.broadcast_to(spread.mean(axis=1, keepdims=True), spread.shape),
    }
    areas = {}
    for kind in ("ordinary", "hidden"):
        known = ~np.isnan(distances) & (judgements.kinds == kind)[:, None]
        far = distances[known] > LARGEST_ERROR
        areas[kind] = {
            name: area_under_roc(values[known], far) for name, values in alternatives.items()
        }
    return {"areas": areas, "bins": [[row.count, row.spread, row.distance] for row in rows]}


def print_spread(values: dict) -> None:
    """Prints them."""
    for kind, areas in values["areas"].items():
        named = ", ".join(f"{name.replace('_', ' ')} {area:.3f}" for name, area in areas.items())
        print(f"  landmarks off by more than {LARGEST_ERROR:.0%}, {kind} crops: {named}")
    pairs = (f"{spread:.1%} {distance:.1%}" for _, spread, distance in values["bins"])
    print(f"  expected and measured: {', '.join(pairs)}")


def draw(results: dict, path: Path) -> None:
    """Draws the share of right faces over the confidence."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.6, 4.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, values in results.items():
        bins = [row for row in values["bins"] if row[1] >= 10]
        axes.plot(
            [row[2] for row in bins], [row[3] for row in bins], "o-", label=name, markersize=4
        )
    axes.set(xlabel="confidence", ylabel="share of right faces", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main():
    """Measures, prints, draws and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--weights", type=Path, help="folder; the bundled weights if absent")
    parser.add_argument("--crops", type=int, default=1200, help="of each data set")
    arguments = parser.parse_args()
    normaliser = (
        Normaliser.load(arguments.weights) if arguments.weights else Normaliser.pretrained()
    )
    results = {}
    for name, faces in data_sets(arguments.faces).items():

        def shown(numbers, name=name):
            return track(numbers, name)

        judgements = judged(
            normaliser, cut_faces(faces, shown, STORED_SIZE), arguments.crops, SEED, shown
        )
        confidence = confidence_of(normaliser.localiser, judgements.features)
        results[name] = values = described(confidence, judgements)
        print(
            f"{name}: {values['crops']} crops, {values['right']:.0%} right; area under the ROC: "
            f"faces {values['faces_and_none']:.4f}, right faces {values['right_and_wrong']:.4f}, "
            f"right among ordinary {values['right_and_wrong_ordinary']:.4f}; off by "
            f"{values['calibration_error']:.3f} on average"
        )
        print("  " + ", ".join(f"{low:.1f}: {n} {r:.0%}" for low, n, _, r in values["bins"] if n))
        has_spread = answer_shapes(normaliser.localiser).spread is not None
        labelled = np.isfinite(judgements.distances[:, :SPREAD_LANDMARKS])
        if has_spread and labelled.any():  # AFLW has none of these points
            spread = spread_of(normaliser.localiser, judgements.features)
            values["spread"] = described_spread(spread, judgements)
            print_spread(values["spread"])
    out = results_file("confidence.json", arguments.record)
    write_results(out, results)
    draw(results, out.with_suffix(".png"))
    print(out)


if __name__ == "__main__":
    main()
