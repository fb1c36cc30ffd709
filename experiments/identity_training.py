"""What pairs of photographs of one person teach: eq. (3) on them, and tied identities.

python experiments/identity_training.py FACES [--steps 120] [--only NAME ...] [--out F | --record]

FACES holds the training sets 300w/helen/trainset, 300w/lfpw/trainset, youtube/train and cfp, and
the test sets 300w/afw and youtube/val. Each run starts from the bundled weights and trains the same
number of steps on the same pairs, with the same labels, random changes and seed; only the weights
of the two losses differ. People 1 to 300 of CFP are trained on, 301 to 350 are measured on. Runs
that the results file already has are skipped. `docs/identity_pairs.md` discusses the results.
"""

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import keras
import numpy as np
from experiment import experiment_parser, read_results, results_file, write_results
from recognition_tables import cosines, drawn_pairs
from texture_pairs import verification

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.framing import tight_box
from keras_3dmmstn.network.pretrained import load_weights
from keras_3dmmstn.ops.parameters import POSE_SIZE
from keras_3dmmstn.training.config import TrainingConfig, with_settings
from keras_3dmmstn.training.data.batches import evaluation_batches, training_batches
from keras_3dmmstn.training.data.completion import completed
from keras_3dmmstn.training.data.crops import FaceCrops, cut_faces
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.data.mixture import Mixture, mixture
from keras_3dmmstn.training.data.pairs import PairedFaces
from keras_3dmmstn.training.data.subject_ranges import of_subjects
from keras_3dmmstn.training.evaluation.error_measures import face_errors, relative_errors
from keras_3dmmstn.training.evaluation.measurement import LEAST_CONFIDENCE
from keras_3dmmstn.training.network import build_network, build_trainer
from keras_3dmmstn.training.recipes import recipe
from keras_3dmmstn.version import versions

STORED = 240  # side of the stored crops in pixels: CFP's faces are no larger
PEOPLE, OTHERS = "1-300", "301-350"
YAW = math.radians(85)  # about that of CFP's profiles
SHARES = (0.35, 0.25, 0.4)  # of 300-W, YouTube Faces and CFP in each step
FEWEST_TEXELS = 0.05  # of a texture, seen in both photographs of a pair
FROM, TO = "as bundled", "labels alone"


@dataclass(frozen=True)
class Run:
    """One row: the weights of the losses on pairs, and of the prior of the shape."""

    identity_pairs: float = 0.0
    tied_identity: float = 0.0
    shape_prior: float = recipe("compact").shape_prior


RUNS = {
    TO: Run(),
    "tied 0.1": Run(tied_identity=0.1),
    "pairs 2e-4": Run(identity_pairs=2e-4),
    "pairs 2e-4, tied 0.1": Run(2e-4, 0.1),
    "pairs 1e-3": Run(identity_pairs=1e-3),
    "tied 0.02": Run(tied_identity=0.02),
    "no prior": Run(shape_prior=0.0),
    "prior 0.02": Run(shape_prior=0.02),
    "prior 0.1": Run(shape_prior=0.1),
}


@dataclass(frozen=True, eq=False)
class Outputs:
    """What the network says of n faces, and what their labels say."""

    labels: np.ndarray  # (n, 89, 3)
    landmarks: np.ndarray  # (n, 89, 2)
    identity: np.ndarray  # (n, modes)
    texture: np.ndarray  # (n, H', W', 3)
    mask: np.ndarray  # (n, H', W', 1)


def config_of(run: Run, seed: int, batch_size: int) -> TrainingConfig:
    """Returns the numbers of a run: the compact recipe, with milder changes of colour."""
    settings = {
        "image_size": 224,
        "batch_size": batch_size,
        "learning_rate": 5e-4,
        "warm_up": 0.1,
        "rotation_deviation": 10.0,
        "scale_deviation": 0.06,
        "shift_deviation": 0.02,
        "light_strength": 0.3,
        "blur_share": 0.3,
        "patch_share": 0.0,
        "visibility": "normals",
        "identity_pairs": run.identity_pairs,
        "tied_identity": run.tied_identity,
        "shape_prior": run.shape_prior,
        "seed": seed,
    }
    return with_settings(recipe("compact"), settings)


def cfp_of(faces: Path, people: str) -> LabelledFaces:
    """Returns the photographs of some people of CFP, the frontal ones without labels."""
    everyone = read_faces(faces / "cfp", frontal=True)
    return everyone.choose(of_subjects(everyone, people))


def training_faces(faces: Path, every: int, count: int) -> Mixture:
    """Reads what is trained on, one photograph in `every`; `count` faces are an epoch."""
    of_300w = [faces / "300w" / name / "trainset" for name in ("helen", "lfpw")]
    sets = [read_faces(of_300w), read_faces(faces / "youtube/train"), cfp_of(faces, PEOPLE)]
    sets = [part.choose(np.arange(0, len(part), every)) for part in sets]
    sets[2] = completed(sets[2], YAW)
    parts = [cut_faces(part, size=STORED) for part in sets]
    # Labels by hand and of detectors are not mirror symmetric: docs/recipe.md.
    return mixture(parts, SHARES, count, mirrored=[False, False, True])


def measured_faces(faces: Path) -> dict[str, FaceCrops]:
    """Reads what is measured on."""
    return {
        "AFW": cut_faces(read_faces(faces / "300w/afw"), size=STORED),
        "YouTube": cut_faces(read_faces(faces / "youtube/val"), size=STORED),
        "CFP": cut_faces(cfp_of(faces, OTHERS), size=STORED),
    }


def first_network(
    config: TrainingConfig, grid_model: GridModel, weights: str | Path = "pretrained"
) -> keras.Model:
    """Returns the network with the bundled weights, or those of a folder."""
    keras.utils.set_random_seed(config.seed)
    model = build_network(config, grid_model)
    load_weights(model.get_layer("localiser"), weights, grid_model)
    return model


def outputs_of(model: keras.Model, crops: FaceCrops, identity_count: int) -> Outputs:
    """Returns what a network says of faces, centred and unchanged."""
    config = replace(config_of(Run(), 0, 64), augmentation=False)
    labels, found = [], []
    for images, batch_labels in evaluation_batches(crops, config):
        found.append(model.predict_on_batch(images))
        labels.append(batch_labels["landmarks"].numpy())
    joined = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    identity = joined["parameters"][:, POSE_SIZE : POSE_SIZE + identity_count]
    named = (joined[name] for name in ("texture", "mask"))
    return Outputs(np.concatenate(labels), joined["landmarks"], identity, *named)


def landmark_errors(found: Outputs) -> dict[str, float]:
    """Returns the mean error in % of sqrt(w·h) of the labels' box, and the size of the faces.

    The size is sqrt(w·h) of the predicted box of the labelled points over that of the labels.
    """
    errors, sizes = [], []
    for labels, landmarks in zip(found.labels, found.landmarks, strict=True):
        known = labels[:, 2] >= LEAST_CONFIDENCE
        if not known.any():
            continue
        box = tight_box(labels[labels[:, 2] > 0, :2])
        distances = np.linalg.norm(landmarks - labels[:, :2], axis=-1)
        distances = np.where(known, distances, np.nan)
        errors.append(relative_errors(distances[None], box[None]))
        boxes = np.stack([tight_box(p[known, :2]) for p in (labels, landmarks)])
        sides = boxes[:, 2:] - boxes[:, :2]
        sizes.append(np.sqrt((sides[1] / sides[0]).prod()))
    return {
        "error": float(np.mean(face_errors(np.concatenate(errors)))),
        "size": float(np.mean(sizes)),
    }


def identity_spread(found: Outputs, people: tuple[str, ...]) -> dict[str, float]:
    """Returns the spread of identity within people and between them, and their ratio.

    Both are roots of variances summed over the modes: of photographs about their person's mean,
    and of these means; what the spread within adds to the means is taken off.
    """
    groups = [found.identity[np.array(people) == person] for person in sorted(set(people))]
    groups = [group for group in groups if len(group) > 1]
    within = np.mean([group.var(axis=0, ddof=1).sum() for group in groups])
    means = np.stack([group.mean(axis=0) for group in groups])
    of_means = within * np.mean([1 / len(group) for group in groups])
    between = max(means.var(axis=0, ddof=1).sum() - of_means, 0.0)
    return {
        "within": float(np.sqrt(within)),
        "between": float(np.sqrt(between)),
        "ratio": float(np.sqrt(within / between)) if between else math.inf,
    }


def identity_verification(found: Outputs, people: tuple[str, ...]) -> dict[str, float]:
    """Returns how well identity tells pairs of one person from pairs of two, in %.

    Compared are the cosines of the coefficients, after the mean of all photographs is taken off.
    """
    person = np.unique(people, return_inverse=True)[1]
    pairs, same = drawn_pairs(person)
    return verification(cosines(found.identity - found.identity.mean(axis=0), pairs), same)


def texture_difference(found: Outputs, crops: FaceCrops) -> dict[str, float]:
    """Returns how far textures of pairs are apart, where both show the face.

    Each channel is first scaled to a mean of 128 over the texels that both show. The difference is
    the mean over pairs of the root mean square, in levels. Each face is compared with one other of
    its person, as in training, always the same.
    """
    paired, rng = PairedFaces(mixture([crops])), np.random.default_rng(0)
    differences = []
    for number in range(len(crops)):
        other = paired.other(0, number, rng)
        both = (found.mask[number] * found.mask[other])[..., 0] > 0
        if other == number or both.mean() < FEWEST_TEXELS:
            continue
        seen = np.stack([found.texture[face][both] for face in (number, other)])
        seen *= 128 / np.maximum(seen.mean(axis=1, keepdims=True), 1)
        differences.append(np.sqrt(np.mean((seen[0] - seen[1]) ** 2)))
    return {"texture": float(np.mean(differences)), "pairs": len(differences)}


def measure(model: keras.Model, measured: dict[str, FaceCrops], grid_model: GridModel) -> dict:
    """Returns all that is measured of a network, by data set."""
    row = {}
    for name, crops in measured.items():
        found = outputs_of(model, crops, grid_model.identity_count)
        row[name] = landmark_errors(found)
        if any(crops.people):
            row[name] |= identity_spread(found, crops.people) | texture_difference(found, crops)
            row[name] |= identity_verification(found, crops.people)
    return row


def trained(config: TrainingConfig, source: Mixture, steps: int, grid_model: GridModel):
    """Returns the network after some steps from the bundled weights, and its last losses."""
    model = first_network(config, grid_model)
    trainer = build_trainer(model, config, steps)
    batches = training_batches(source, config, identity_pairs=True)
    history = trainer.fit(batches, shuffle=False, verbose=0).history
    return model, {name: float(values[-1]) for name, values in history.items()}


def table(runs: dict[str, dict]) -> str:
    """Returns the results as two tables in Markdown: landmarks, then identities and textures."""
    landmarks = [
        "| run | AFW | size | YouTube | size | CFP profiles | size |",
        "|---|---|---|---|---|---|---|",
    ]
    pairs = [
        "| run | CFP: within, between, ratio | EER | textures "
        "| YouTube: within, between, ratio | EER | textures |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in runs.items():
        cells = [f"{row[d][k]:.2f}" for d in ("AFW", "YouTube", "CFP") for k in ("error", "size")]
        landmarks.append(f"| {name} | {' | '.join(cells)} |")
        cells = []
        for place in ("CFP", "YouTube"):
            spread = (row[place][key] for key in ("within", "between", "ratio"))
            cells.append(", ".join(f"{value:.2f}" for value in spread))
            cells += [f"{row[place][key]:.1f}" for key in ("eer", "texture")]
        pairs.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*landmarks, "", *pairs])


def main():
    """Runs what the results file lacks, adds a row for each run, and prints the table."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--batch-size", type=int, default=16, help="pairs in a step")
    parser.add_argument("--every", type=int, default=1, help="train on one photograph in so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=RUNS, default=list(RUNS))
    parser.add_argument("--out", type=Path, help="file for the results")
    arguments = parser.parse_args()
    out = arguments.out or results_file("identity_training.json", arguments.record)
    cv2.setNumThreads(1)
    grid_model, measured = GridModel.bundled(), measured_faces(arguments.faces)
    record = read_results(out) or {"runs": {}}
    if FROM not in record["runs"]:
        model = first_network(config_of(Run(), 0, 1), grid_model)
        record["runs"][FROM] = measure(model, measured, grid_model)
        write_results(out, record)
        print(FROM, record["runs"][FROM], flush=True)
    source = None
    for name in arguments.only:
        key = name if arguments.seed == 0 else f"{name}, seed {arguments.seed}"
        if key in record["runs"]:
            continue
        if source is None:
            count = arguments.steps * arguments.batch_size
            source = training_faces(arguments.faces, arguments.every, count)
            print(len(source.sources), "sources", [len(s) for s in source.sources], flush=True)
        began, cpu = time.perf_counter(), time.process_time()
        config = config_of(RUNS[name], arguments.seed, arguments.batch_size)
        model, last = trained(config, source, arguments.steps, grid_model)
        row = {"training": last, **measure(model, measured, grid_model)}
        row["seconds"] = round(time.perf_counter() - began)
        row["processor_seconds"] = round(time.process_time() - cpu)
        record["runs"][key] = row
        record |= {name: getattr(arguments, name) for name in ("steps", "batch_size", "every")}
        record["versions"] = versions()
        write_results(out, record)
        print(key, row, flush=True)
    print(table(record["runs"]))


if __name__ == "__main__":
    main()
