"""How well are the eyes, nose and mouth of turned heads found, by how far the labels are turned?

python experiments/turned_heads.py MTFL [--weights RUN ...] [--record]

MTFL has eye centres, tip of the nose and corners of the mouth, labelled by hand. The turn of a head
is how far its nose lies from the middle of its eyes along their line, over their distance: 0 from
the front, some 0.5 at 50°. Faces are found by the detector. For ranges of the turn it prints how
many faces there are, the mean distance of the five points, and that of the eye further away, which
is the first to go wrong, in % of the distance from the middle of the eyes to that of the mouth. The
weights are the bundled ones and those of `--weights`; the faces are those that all of them find.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from experiment import experiment_parser, results_file, write_results
from rich.progress import track

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS

TURNS = (0.2, 0.35, 0.5, 0.65, 2.0)
# A face whose nose lies further from the label, in distances from eyes to mouth, is another one.
FURTHEST = 0.5


def turn_of(five: np.ndarray) -> float:
    """Returns how far a head with points `(5, 2)` is turned; positive: its nose is to the right."""
    eyes = five[1] - five[0]
    return float((five[2] - five[:2].mean(axis=0)) @ eyes / (eyes @ eyes))


def height_of(five: np.ndarray) -> float:
    """Returns the distance from the middle of the eyes to that of the mouth, in pixels."""
    return float(np.linalg.norm(five[:2].mean(axis=0) - five[3:].mean(axis=0)))


def fitted_five(normaliser: Normaliser, photograph: np.ndarray, five: np.ndarray):
    """Returns the five points of the fitted face that is nearest, or None."""
    found = []
    for face in normaliser(photograph):
        points = face.landmarks("ibug68")
        eyes = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
        found.append(np.stack([*eyes, points[30], points[48], points[54]]))
    if not found:
        return None
    nearest = min(found, key=lambda points: float(np.linalg.norm(points[2] - five[2])))
    near = np.linalg.norm(nearest[2] - five[2]) < FURTHEST * height_of(five)
    return nearest if near else None


def main():
    """Measures, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    normalisers = {"bundled": Normaliser.pretrained()}
    normalisers |= {str(path): Normaliser.load(path) for path in arguments.weights}
    faces, turns, errors = read_faces(arguments.folder), [], []
    labels = faces.landmarks[:, list(FIVE_POINTS), :2].astype(float)
    for path, five in zip(track(faces.paths), labels, strict=True):
        if abs(turn_of(five)) < TURNS[0]:
            continue
        photograph = read_photograph(path, upright=False)
        fitted = [fitted_five(normaliser, photograph, five) for normaliser in normalisers.values()]
        if any(points is None for points in fitted):
            continue
        turns.append(turn_of(five))
        distances = np.linalg.norm(np.array(fitted) - five, axis=2)
        errors.append(100 * distances / height_of(five))
    turned, off = np.array(turns), np.array(errors)  # (faces,), (faces, weights, points)
    far = off[np.arange(len(off)), :, np.where(turned > 0, 1, 0)]
    results: dict = {name: {} for name in normalisers}
    for low, high in pairwise(TURNS):
        chosen = (np.abs(turned) >= low) & (np.abs(turned) < high)
        for number, name in enumerate(normalisers):
            results[name][f"{low} to {high}"] = row = {
                "faces": int(chosen.sum()),
                "five points": round(float(off[chosen, number].mean()), 2),
                "further eye": round(float(far[chosen, number].mean()), 2),
                "median": round(float(np.median(off[chosen, number].mean(axis=1))), 2),
            }
            print(f"turn of {low} to {high}, {name}: {row}")
    out = results_file("turned_heads.json", arguments.record)
    write_results(out, results)
    print(out)


if __name__ == "__main__":
    main()
