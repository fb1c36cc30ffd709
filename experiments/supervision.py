"""How few labels are enough, and what the two losses without labels add.

python experiments/supervision.py FACES [--steps 240] [--only NAME ...] [--weight 1e-4] [--record]

FACES holds the training sets 300w/helen/trainset, 300w/lfpw/trainset and youtube/train, and the
test sets 300w/afw and youtube/val. Every run trains a small localiser from scratch, with the same
photographs, seed, random changes and number of steps. In each batch every photograph is followed by
its reflection. Half of the photographs are drawn from those that keep their labels, the other half
from all photographs, without labels. Runs that the results file already has are skipped.
`docs/unsupervised.md` discusses the results.
"""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import keras
import numpy as np
from coarse_face import coarse
from experiment import experiment_parser, results_file, write_results

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.framing import tight_box
from keras_3dmmstn.network.losses import mirror_pair_loss, symmetry_loss
from keras_3dmmstn.network.model import spatial_transformer
from keras_3dmmstn.network.reflection import with_reflections
from keras_3dmmstn.training.config import TrainingConfig, with_settings
from keras_3dmmstn.training.data.batches import evaluation_batches, training_batches
from keras_3dmmstn.training.data.crops import FaceCrops, cut_faces
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS, LANDMARK_SET
from keras_3dmmstn.training.data.mixture import Mixture, mixture
from keras_3dmmstn.training.data.supervision import Supervision
from keras_3dmmstn.training.evaluation.error_measures import face_errors, relative_errors
from keras_3dmmstn.training.network import build_trainer
from keras_3dmmstn.training.recipes import recipe
from keras_3dmmstn.version import versions

TRAINED_ON = ("300w/helen/trainset", "300w/lfpw/trainset", "youtube/train")
MEASURED_ON = ("300w/afw", "youtube/val")
SIDE, MIDDLE = 70, 56  # pixels, of the network's input and of the middle that it looks at
PHOTOGRAPHS = 16  # in a step, without their reflections
WEIGHT = 1e-4  # of each texture loss, in mean squared levels, beside landmark distances in pixels


@dataclass(frozen=True)
class Run:
    """One row: which labels are kept, and which of the losses without labels it has."""

    share: float = 1.0
    five: bool = False
    symmetry: bool = False
    mirror_pairs: bool = False


LABELS = {
    "100 %": Run(),
    "10 %": Run(share=0.1),
    "1 %": Run(share=0.01),
    "five points": Run(five=True),
    "none": Run(share=0.0),
}
RUNS = LABELS | {
    f"{name}, textures": replace(run, symmetry=True, mirror_pairs=True)
    for name, run in LABELS.items()
}
RUNS["1 %, symmetry"] = replace(LABELS["1 %"], symmetry=True)
RUNS["1 %, mirror pairs"] = replace(LABELS["1 %"], mirror_pairs=True)


def read_crops(faces: Path, names) -> FaceCrops:
    """Reads data sets into one collection of crops, with room for the changes."""
    return cut_faces(read_faces([faces / name for name in names]), size=round(1.5 * SIDE))


def sources_of(crops: FaceCrops, run: Run, steps: int, seed: int) -> Mixture:
    """Returns what a run trains on: labelled photographs in half of each batch."""
    kept = Supervision(run.share).factors(len(crops), seed)[:, 0] > 0
    unlabelled = crops.landmarks.copy()
    unlabelled[..., 2] = 0
    if kept.all() or not kept.any():
        parts = [replace(crops, landmarks=crops.landmarks if kept.all() else unlabelled)]
    else:
        labelled = FaceCrops(crops.images[kept], crops.landmarks[kept], crops.crop_side)
        parts = [labelled, replace(crops, landmarks=unlabelled)]
    return mixture(parts, [1.0] * len(parts), faces_per_epoch=steps * PHOTOGRAPHS)


def config_of(run: Run, weight: float, seed: int) -> TrainingConfig:
    """Returns the numbers of a run: the compact recipe, in batches of pairs."""
    settings = {
        "image_size": SIDE,
        "batch_size": PHOTOGRAPHS,
        "symmetry": weight * run.symmetry,
        "mirror_pairs": weight * run.mirror_pairs,
        # The landmark loss is a mean over the batch: half of it counts twice.
        "landmark_weight": 2.0 if 0 < run.share < 1 else 1.0,
        "seed": seed,
    }
    return with_settings(recipe("compact"), settings)


def small_backbone() -> keras.Model:
    """Returns a network of the kind of the compact localiser's, with a tenth of its work."""
    image = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.CenterCrop(MIDDLE, MIDDLE)(image)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(x)
    for filters in (16, 24, 48, 96, 96):  # 28, 14, 7, 4, 2 pixels
        x = keras.layers.Conv2D(filters, 3, 2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    return keras.Model(image, keras.layers.Flatten()(x))


def train(run: Run, weight: float, crops: FaceCrops, grid_model: GridModel, steps: int, seed: int):
    """Returns the network that a run gives, trained from scratch."""
    config = config_of(run, weight, seed)
    keras.utils.set_random_seed(seed)
    model = spatial_transformer(
        grid_model, small_backbone(), SIDE, LANDMARK_SET, visibility="normals"
    )
    trainer = build_trainer(model, config, steps)
    source = sources_of(crops, run, steps, seed)
    supervision = Supervision(only_points=FIVE_POINTS if run.five else None)
    batches = training_batches(source, config, mirror_pairs=True, supervision=supervision)
    trainer.fit(batches, shuffle=False, verbose=0)
    return model


def landmarks_of(model: keras.Model, crops: FaceCrops) -> tuple[np.ndarray, np.ndarray]:
    """Returns labels `(faces, 68, 2)` and predictions, in pixels of the network's input."""
    batches = evaluation_batches(crops, with_settings(recipe("compact"), {"image_size": SIDE}))
    predict = keras.Model(model.input, model.output["landmarks"])
    predicted = np.concatenate([predict.predict_on_batch(images) for images, _ in batches])
    labels = np.concatenate([labels["landmarks"].numpy() for _, labels in batches])
    return labels[:, :68, :2], predicted[:, :68]


def errors_of(model: keras.Model, crops: FaceCrops) -> dict[str, float]:
    """Returns mean errors in % of sqrt(w·h), and how large the face is predicted, as a share."""
    labels, predicted = landmarks_of(model, crops)
    boxes = np.stack([tight_box(points) for points in labels])
    found = np.stack([tight_box(points) for points in predicted])
    errors = relative_errors(np.linalg.norm(predicted - labels, axis=-1), boxes)
    sides, found_sides = boxes[:, 2:] - boxes[:, :2], found[:, 2:] - found[:, :2]
    return {
        "all": float(face_errors(errors).mean()),
        "inner": float(face_errors(errors, slice(17, 68)).mean()),
        "size": float(np.sqrt((found_sides / sides).prod(axis=1)).mean()),
    }


def texture_losses(model: keras.Model, crops: FaceCrops, count: int = 128) -> dict[str, float]:
    """Returns the two losses of textures, in squared levels, on some photographs."""
    few = FaceCrops(crops.images[:count], crops.landmarks[:count], crops.crop_side)
    batches = evaluation_batches(few, with_settings(recipe("compact"), {"image_size": SIDE}))
    symmetry, pairs = [], []
    for images, labels in batches:
        outputs = model.predict_on_batch(with_reflections(images, labels, LANDMARK_SET)[0])
        symmetry.append(symmetry_loss(outputs["texture"], outputs["mask"]))
        pairs.append(mirror_pair_loss(outputs["texture"], outputs["mask"]))
    return {
        "symmetry": float(np.concatenate(symmetry).mean()),
        "mirror_pairs": float(np.concatenate(pairs).mean()),
    }


def main():
    """Runs what the results file lacks, and adds a row for each run."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=RUNS, default=list(RUNS))
    parser.add_argument("--weight", type=float, default=WEIGHT)
    arguments = parser.parse_args()
    out = results_file("supervision.json", arguments.record)
    cv2.setNumThreads(1)
    grid_model = coarse(GridModel.bundled())
    crops = read_crops(arguments.faces, TRAINED_ON)
    measured = {name: read_crops(arguments.faces, [name]) for name in MEASURED_ON}
    print(len(crops), "photographs", flush=True)
    record = json.loads(out.read_text()) if out.exists() else {"runs": {}}
    for name in arguments.only:
        weight, run = arguments.weight, RUNS[name]
        key = f"{name}, {arguments.steps} steps, seed {arguments.seed}, w {weight:g}"
        if key in record["runs"]:
            continue
        began = time.perf_counter()
        model = train(run, weight, crops, grid_model, arguments.steps, arguments.seed)
        row = {"seconds": round(time.perf_counter() - began)}
        row |= {place: errors_of(model, part) for place, part in measured.items()}
        row |= texture_losses(model, measured["300w/afw"])
        record["runs"][key] = row
        record["versions"] = versions()
        write_results(out, record)
        print(key, row, flush=True)


if __name__ == "__main__":
    main()
