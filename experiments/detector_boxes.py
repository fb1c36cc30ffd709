"""How much accuracy a detector's boxes cost: the phone example on labelled photographs.

python experiments/detector_boxes.py MODEL.tflite DETECTOR.tflite FOLDER... [--record]

MODEL is an exported file with its card, DETECTOR is BlazeFace (short range), and each FOLDER holds
photographs of one face each with 68 labelled points. Prints the mean landmark error in % of √(w·h)
of the labels' box: first for faces framed by that box, then for faces framed by the detector's box
after one, two and three looks. Each further look frames the face by the landmarks of the last one.
"""

import runpy
from pathlib import Path

import numpy as np
from experiment import experiment_parser, results_file, write_results

from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.network.framing import tight_box
from keras_3dmmstn.training.data.faces import read_faces

EXAMPLE = Path(__file__).parents[1] / "examples/phone/normalise_camera.py"
LOOKS = 3


def errors(normalise, detect, photograph: np.ndarray, labels: np.ndarray) -> list[float] | None:
    """Returns the errors with the labels' box and after each look; None if the face is not found.

    A box whose middle is half a face away is not of this face.
    """
    truth = tight_box(labels)
    size = np.sqrt(np.prod(truth[2:] - truth[:2]))
    box = detect(photograph)
    if box is None or np.abs(np.add(box[:2] - truth[:2], box[2:] - truth[2:]) / 2).max() > size / 2:
        return None

    found = []
    for frame in (truth, box):
        for _ in range(LOOKS if frame is box else 1):
            landmarks = normalise(photograph, frame)["landmarks"]
            found.append(100 * np.linalg.norm(landmarks - labels, axis=-1).mean() / size)
            frame = tight_box(landmarks)
    return found


def main():
    """Measures each folder, prints and writes the results."""
    parser = experiment_parser(__doc__)
    for name in ("model", "detector"):
        parser.add_argument(name, type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    arguments = parser.parse_args()
    example = runpy.run_path(str(EXAMPLE))
    normalise = example["FaceNormaliser"](arguments.model)
    detect = example["FaceDetector"](arguments.detector)
    results = {}
    for folder in arguments.folders:
        faces = read_faces(folder)
        found = []
        for path, labels in zip(faces.paths, faces.landmarks, strict=True):
            photograph = read_photograph(path, upright=False)
            found.append(errors(normalise, detect, photograph, labels[:68, :2].astype(float)))
        measured = np.mean([e for e in found if e is not None], axis=0)
        looks = ", ".join(f"{e:.2f} % after look {n}" for n, e in enumerate(measured[1:], 1))
        print(f"{folder}: {len(found)} faces, {found.count(None)} not found")
        print(f"  the labels' box {measured[0]:.2f} %; the detector's {looks}")
        results[str(folder)] = {
            "faces": len(found),
            "not_found": found.count(None),
            "labels_box": float(measured[0]),
            "detector_box": [float(error) for error in measured[1:]],
        }
    out = results_file("detector_boxes.json", arguments.record)
    write_results(out, results)
    print(out)


if __name__ == "__main__":
    main()
