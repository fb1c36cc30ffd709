"""How far off are the landmarks of faces that are turned in the plane of the photograph?

python experiments/turned_photographs.py FOLDER... [--every 3] [--record]

Each labelled photograph is turned by 0°, 30° ... 330° about its middle, and normalised three times:
with the tight box of its turned labels and its roll, with that box alone, and by the detector.
Prints the mean error of the 68 landmarks in % of √(w·h) of the upright box, and how many faces were
missed.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from experiment import experiment_parser, results_file, write_results

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.faces import read_faces

ANGLES = range(0, 360, 30)
# A face that is found further off, in sides of the box, is another one.
_FURTHEST = 0.35


def turned(image: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns a picture turned clockwise, all of it, and the matrix `(2, 3)` to it."""
    height, width = image.shape[:2]
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, -sin], [sin, cos]])
    size = np.ceil(np.abs(turn) @ [width, height]).astype(int)
    shift = (size - 1) / 2 - turn @ [(width - 1) / 2, (height - 1) / 2]
    matrix = np.column_stack([turn, shift])
    return cv2.warpAffine(image, matrix, size.tolist(), flags=cv2.INTER_LINEAR), matrix


def nearest(faces: list[NormalisedFace], points: np.ndarray, side: float) -> NormalisedFace | None:
    """Returns the face at some landmarks, or None if there is none."""
    offsets = [np.linalg.norm(f.landmarks().mean(axis=0) - points.mean(axis=0)) for f in faces]
    if not offsets or min(offsets) > _FURTHEST * side:
        return None
    return faces[int(np.argmin(offsets))]


def measured(
    photographs: list, degrees: float, normalise: Callable[..., list[NormalisedFace]]
) -> dict[str, float]:
    """Returns mean and median error in % and the share of faces missed, at one angle."""
    errors = []
    for image, landmarks in photographs:
        picture, matrix = turned(image, degrees)
        points = framing.apply_similarity(matrix, landmarks)
        side = np.sqrt(np.prod(np.ptp(landmarks, axis=0)))
        face = nearest(normalise(picture, points), points, side)
        if face is not None:
            distances = np.linalg.norm(face.landmarks() - points, axis=1)
            errors.append(100 * distances.mean() / side)
    return {
        "mean": round(float(np.mean(errors)), 2),
        "median": round(float(np.median(errors)), 2),
        "missed": len(photographs) - len(errors),
    }


def main():
    """Measures every angle, with the box and roll given and with the detector."""
    parser = experiment_parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=3, help="take each third photograph")
    arguments = parser.parse_args()
    faces = read_faces(arguments.folders)
    chosen = range(0, len(faces), arguments.every)
    photographs = [
        (read_photograph(faces.paths[i], upright=False), faces.landmarks[i, :68, :2].astype(float))
        for i in chosen
    ]
    normaliser = Normaliser.pretrained()
    results: dict = {"faces": len(photographs), "given": {}, "no roll": {}, "detector": {}}
    for degrees in ANGLES:
        roll = [np.radians(degrees)]
        ways: dict[str, Callable] = {
            "given": lambda image, points, roll=roll: normaliser(
                image, [framing.tight_box(points)], roll
            ),
            "no roll": lambda image, points: normaliser(image, [framing.tight_box(points)]),
            "detector": lambda image, points: normaliser(image),
        }
        for way, normalise in ways.items():
            results[way][degrees] = measured(photographs, degrees, normalise)
            print(f"{degrees}°, {way}: {results[way][degrees]}", flush=True)
    write_results(results_file("turned_photographs.json", arguments.record), results)


if __name__ == "__main__":
    main()
