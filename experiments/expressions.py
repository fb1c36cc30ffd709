"""Does the face model reach strong expressions? It is fitted to the labels of the strongest ones.

python experiments/expressions.py FOLDER... [--count 20] [--out SHEETS] [--record]

FOLDER is a folder of 300-W. Of nearly frontal photographs those are taken whose labels have the
widest smiles, the most open mouths, the most closed eyes and the narrowest, closed mouths. The
bundled model is fitted to the labels as in `landmark_fit.py`. For each kind this prints what
defines it, in shares of the distance between the outer eye corners, as labelled and as fitted, and
the error of the points of mouth or eyes. With --out it draws a sheet of each kind: photograph,
labels (green) and fit (red).
"""

from pathlib import Path

import cv2
import numpy as np
from experiment import experiment_parser, results_file, write_results
from landmark_fit import LANDMARK_DEVIATION, fit

from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.faces import read_faces

# How far, relative to each other, the two outer eye corners may be from the tip of the nose.
_FRONTAL = 0.15
_SIZE, _COLUMNS = 224, 5


def _distance(points, a, b):
    eyes = np.linalg.norm(points[..., 36, :] - points[..., 45, :], axis=-1)
    return np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1) / eyes


def _mouth_width(points):
    return _distance(points, 48, 54)


def _opening(points):
    return _distance(points, 62, 66)


def _eye_opening(points):
    pairs = ((37, 41), (38, 40), (43, 47), (44, 46))
    return np.mean([_distance(points, *pair) for pair in pairs], axis=0)


def _pursed(points):
    return _mouth_width(points) + _opening(points)


# Kind: what defines it, whether the largest are wanted, and the points whose error is printed.
KINDS = {
    "broad smiles": (_mouth_width, True, range(48, 68)),
    "open mouths": (_opening, True, range(48, 68)),
    "closed eyes": (_eye_opening, False, range(36, 48)),
    "pursed lips": (_pursed, False, range(48, 68)),
}


def main():
    """Fits the model, prints, draws and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=20, help="photographs of each kind")
    parser.add_argument("--out", type=Path, help="folder for the sheets")
    arguments = parser.parse_args()

    model = GridModel.bundled()
    landmarks = model.landmarks["ibug68"]
    mean, basis = model.mean[landmarks].astype(float), model.basis[:, landmarks].astype(float)
    faces = read_faces(arguments.folders)
    points = faces.landmarks[:, :68, :2].astype(float)
    left, right = (np.linalg.norm(points[:, k] - points[:, 30], axis=1) for k in (36, 45))
    frontal = np.flatnonzero(np.abs(left / right - 1) < _FRONTAL)
    record: dict = {"photographs": len(points), "frontal": len(frontal), "kinds": {}}
    print(f"{len(frontal)} nearly frontal of {len(points)} photographs")
    for kind, (measure, largest, group) in KINDS.items():
        order = np.argsort(measure(points[frontal]) * (-1 if largest else 1))
        chosen = frontal[order[: arguments.count]]
        box = np.sqrt(np.ptp(points[chosen], axis=1).prod(axis=1))
        fitted = np.array(
            [
                fit(mean, basis, face, LANDMARK_DEVIATION * side)[0]
                for face, side in zip(points[chosen], box, strict=True)
            ]
        )
        error = np.linalg.norm(fitted - points[chosen], axis=2)[:, list(group)].mean(axis=1) / box
        labelled, reached = measure(points[chosen]).mean(), measure(fitted).mean()
        usual = float(np.median(measure(points[frontal])))
        record["kinds"][kind] = {
            "usual": usual, "labelled": float(labelled), "fitted": float(reached),
            "error": 100 * float(error.mean()),
        }  # fmt: skip
        print(
            f"{kind:13} usually {usual:.3f}; labelled {labelled:.3f}, fitted {reached:.3f}; "
            f"error of its points {100 * error.mean():.2f} % of √(w·h)"
        )
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
            paths = [faces.paths[index] for index in chosen]
            sheet = _sheet(paths, points[chosen], fitted)
            cv2.imwrite(str(arguments.out / f"{kind.replace(' ', '_')}.jpg"), sheet[..., ::-1])
    out = results_file("expressions.json", arguments.record)
    write_results(out, record)
    print(out)


def _sheet(paths, labels, fitted):
    """Draws photographs with labels and fits, in rows of five."""
    tiles = []
    for path, *both in zip(paths, labels, fitted, strict=True):
        matrix = framing.crop_matrix(framing.tight_box(both[0]), _SIZE)
        tile = np.ascontiguousarray(warp(read_photograph(path), matrix, _SIZE))
        for points, colour in zip(both, ((0, 220, 0), (230, 0, 0)), strict=True):
            for x, y in framing.apply_similarity(matrix, points):
                cv2.circle(tile, (round(x * 16), round(y * 16)), 20, colour, -1, cv2.LINE_AA, 4)
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _COLUMNS)
    rows = [np.concatenate(tiles[k : k + _COLUMNS], 1) for k in range(0, len(tiles), _COLUMNS)]
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
