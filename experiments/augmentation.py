"""What each part of the recipe is worth: short runs from scratch that leave one thing out.

python experiments/augmentation.py FACES TURNED [--steps 1000] [--only NAME ...] [--record]

FACES contains the training sets 300w/helen/trainset, 300w/lfpw/trainset and youtube/train, and the
test sets 300w/afw and youtube/val. TURNED is what `keras-3dmmstn data turn` made from the three
training sets. All runs share the seed and the number of steps of 64 faces. Runs that are already in
the results file are skipped.
"""

import json
import time
from pathlib import Path

import cv2
import keras
import numpy as np
from experiment import experiment_parser, results_file, write_results

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.residual_localisers import compact_localiser
from keras_3dmmstn.training.config import TrainingConfig, with_settings
from keras_3dmmstn.training.data.batches import training_batches
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.mixture import mixture
from keras_3dmmstn.training.data.run_data import read_sources
from keras_3dmmstn.training.evaluation.error_measures import face_errors
from keras_3dmmstn.training.evaluation.measurement import measure
from keras_3dmmstn.training.network import build_network, build_trainer
from keras_3dmmstn.training.recipes import recipe
from keras_3dmmstn.version import versions

PHOTOGRAPHS = ("300w/helen/trainset", "300w/lfpw/trainset", "youtube/train")
MEASURED_ON = ("300w/afw", "youtube/val")
TURNED_SHARE = 0.3
LARGE_YAW = 25  # degrees

#: What differs from the recipe: settings, or "turned" and "unmirrored" for the data.
RUNS: dict[str, dict] = {
    "the recipe": {},
    "no turned faces": {"turned": False},
    "detector's labels mirrored": {"unmirrored": False},
    "squared distances": {"landmark_loss": "mean", "shape_prior": 0.01},
    "no turns, shifts or scale": {
        "rotation_deviation": 0.0,
        "scale_deviation": 0.0,
        "shift_deviation": 0.0,
    },
    "no light or colour": {"light_strength": 0.0},
    "no blur, noise or JPEG": {"blur_share": 0.0},
    "no patches": {"patch_share": 0.0},
}


def data_of(faces: Path, turned: Path, change: dict, config: TrainingConfig, count: int):
    """Returns the data sets of a run."""
    folders = [faces / name for name in PHOTOGRAPHS]
    unmirrored = [folders[-1]] if change.get("unmirrored", True) else []
    if change.get("turned", True):
        folders.append(turned)
    read = read_sources(folders, config, unmirrored=unmirrored)
    sizes = [len(part) for part in read.sources]
    if change.get("turned", True):
        sizes[-1] = TURNED_SHARE / (1 - TURNED_SHARE) * sum(sizes[:-1])
    return mixture(read.sources, sizes, count, read.mirrored)


def train(change: dict, arguments) -> Normaliser:
    """Returns the normaliser that a run gives."""
    settings = {name: v for name, v in change.items() if name not in ("turned", "unmirrored")}
    config = with_settings(recipe("compact"), {"precision": "mixed_bfloat16", **settings})
    count = arguments.steps * config.batch_size
    data = data_of(arguments.faces, arguments.turned, change, config, count)
    keras.utils.set_random_seed(config.seed)
    grid_model = GridModel.bundled()
    model = build_network(config, grid_model)
    trainer = build_trainer(model, config, arguments.steps)
    trainer.fit(training_batches(data, config), shuffle=False, verbose=0)
    localiser = compact_localiser(grid_model)
    localiser.set_weights(model.get_layer("localiser").get_weights())
    return Normaliser(localiser, grid_model)


def errors_of(normaliser: Normaliser, folder: Path) -> dict[str, float]:
    """Returns mean errors in %: all faces, inner points, and faces turned far."""
    measurement = measure(normaliser, read_faces(folder))
    errors = face_errors(measurement.errors)
    return {
        "all": float(errors.mean()),
        "inner": float(face_errors(measurement.errors, slice(17, 68)).mean()),
        "large_yaw": float(errors[np.abs(measurement.yaw) > LARGE_YAW].mean()),
        "box_noise_ratio": float(
            face_errors(measurement.errors_with_moved_boxes).mean() / errors.mean()
        ),
    }


def main():
    """Runs what the results file lacks, and adds a row for each run."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("turned", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--only", nargs="*", choices=RUNS, default=list(RUNS))
    arguments = parser.parse_args()
    out = results_file("augmentation.json", arguments.record)
    cv2.setNumThreads(1)
    record = {"steps": arguments.steps, "large_yaw_degrees": LARGE_YAW, "runs": {}}
    if out.exists():
        record = json.loads(out.read_text())
        if record["steps"] != arguments.steps:
            raise SystemExit(f"{out} has runs of {record['steps']} steps: move it away.")
    for name in arguments.only:
        if name in record["runs"]:
            continue
        began = time.perf_counter()
        normaliser = train(RUNS[name], arguments)
        row = {place: errors_of(normaliser, arguments.faces / place) for place in MEASURED_ON}
        row["seconds"] = round(time.perf_counter() - began)
        record["runs"][name] = row
        record["versions"] = versions()
        write_results(out, record)
        print(name, row, flush=True)


if __name__ == "__main__":
    main()
