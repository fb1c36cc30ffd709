"""Learning the face model itself, with pairs of photographs of one person.

python experiments/learnt_shape.py FACES SCANS [--start FOLDER] [--only NAME ...] [--record]

FACES as for `identity_training.py`, SCANS as for `scans.py`. Each run starts from the weights and
the face model in a folder, by default the bundled ones, and trains both together, only on landmarks
or also on pairs of one person: eq. (3) on their textures reaches every vertex that both photographs
show. A face model that is kept smooth is smoothed six times on the way and made symmetric, and its
modes are held to their original values, as `train` does after each epoch. It measures the network
with the learnt face model, that face model alone fitted to the hand-placed landmarks of AFW
(`landmark_fit.py`), and its depth on scans of heads (`scans.py`). Rows that are already in the
results file are skipped. `docs/identity_pairs.md` discusses the results.
"""

from pathlib import Path

import cv2
import keras
import numpy as np
from experiment import experiment_parser, read_results, results_file, write_results
from face_model_refinement import movement
from head_scans import read_scans, upright
from identity_training import (
    Run,
    config_of,
    first_network,
    measure,
    measured_faces,
    training_faces,
)
from landmark_fit import errors
from scans import fitted_pictures
from surface_fit import fit_surface

from keras_3dmmstn import Normaliser
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.losses import LandmarkDistanceLoss
from keras_3dmmstn.network.refinement import refined_grid_model
from keras_3dmmstn.network.steadying import steadied_grid_model
from keras_3dmmstn.network.training_model import TrainingModel
from keras_3dmmstn.training.data.batches import training_batches
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.mixture import Mixture

BATCH = 16  # pairs in a step
RATE, RATE_OF_FACE = 5e-4, 0.02  # the latter in millimetres, about what a vertex moves in a step
SMOOTHNESS, NOISE = 20.0, 0.08  # cells of the grid, and millimetres: what `train` takes by itself
PARTS = 6  # of a run, after each of which the face model is made smooth
YAWS = (0, 45)  # degrees, at which scans are drawn
FROM = "to begin with"
#: What is learnt: the weights of the losses on pairs, and what becomes of the face model.
FIXED, AS_TRAINED, SMOOTH = "fixed", "as trained", "kept smooth"
RUNS = {
    "landmarks; face model fixed": (Run(), FIXED),
    "landmarks; as trained": (Run(), AS_TRAINED),
    "landmarks; kept smooth": (Run(), SMOOTH),
    "landmarks, tied; kept smooth": (Run(tied_identity=0.02), SMOOTH),
    "landmarks, pairs; as trained": (Run(identity_pairs=1e-3), AS_TRAINED),
    "landmarks, pairs, tied; as trained": (Run(identity_pairs=1e-3, tied_identity=0.1), AS_TRAINED),
}


def learn(model, grid_model, run: Run, source: Mixture, steps: int, face: str) -> None:
    """Trains the localiser and, if it is to, the face model."""
    layer = model.get_layer("morphable_model")
    layer.trainable = face != FIXED
    trainer = TrainingModel(
        model,
        shape_prior=run.shape_prior,
        identity_pairs=run.identity_pairs,
        tied_identity=run.tied_identity,
    )
    localiser = keras.optimizers.AdamW(falling(RATE, steps))
    optimiser = localiser
    if layer.trainable:
        slowly = keras.optimizers.Adam(falling(RATE_OF_FACE, steps))
        parts = keras.optimizers.OptimizerMap(localiser, {"morphable_model.*": slowly})
        optimiser = keras.optimizers.MultiOptimizer(parts)
    trainer.compile(optimiser, {"landmarks": LandmarkDistanceLoss()}, auto_scale_loss=False)

    def make_smooth(*_):
        learnt = refined_grid_model(model, grid_model, SMOOTHNESS, symmetric=True)
        learnt = steadied_grid_model(learnt, grid_model, NOISE)
        layer.set_weights([learnt.mean, learnt.basis])

    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=make_smooth)] if face == SMOOTH else []
    batches = training_batches(source, config_of(run, 0, BATCH), identity_pairs=True)
    trainer.fit(
        batches,
        epochs=PARTS,
        steps_per_epoch=steps // PARTS,
        shuffle=False,
        callbacks=callbacks,
        verbose=0,
    )


def falling(rate: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns a rate that rises for a tenth of the steps and falls to 0 as a cosine."""
    schedules, rising = keras.optimizers.schedules, steps // 10
    return schedules.CosineDecay(0.0, steps - rising, warmup_target=rate, warmup_steps=rising)


def floor_of_fit(model: GridModel, points: np.ndarray) -> dict[str, float]:
    """Returns how near the face model alone comes to points `(n, 68, 2)`, in % of √(w·h)."""
    chosen = model.landmarks["ibug68"]
    found = errors(model.mean[chosen].astype(float), model.basis[:, chosen].astype(float), points)
    return {"all": float(found.mean()), "inner": float(found[:, 17:].mean())}


def depth(normaliser: Normaliser, scans: Path) -> dict[str, dict[str, float]]:
    """Returns, of each scan, the mean distance of its face from faces brought onto it, in mm.

    By a similarity: the mean face, the model fitted to the scan, and the face that the network
    sees in pictures of the scan.
    """
    found, model = {}, normaliser.grid_model
    for scan in read_scans(scans):
        scan, points = upright(scan, model)
        _, faces = fitted_pictures(scan, normaliser, [(yaw, 0) for yaw in YAWS])
        shapes = {
            f"from the picture at yaw {y}°": f.vertices for y, f in zip(YAWS, faces, strict=True)
        }
        found[scan.name] = {
            name: fit_surface(points, shape, model.triangles).distance
            for name, shape in {"mean face": model.mean, **shapes}.items()
        }
        best = fit_surface(points, model.mean, model.triangles, model.basis)
        found[scan.name]["model fitted to the scan"] = best.distance
    return found


def measured_row(model, grid_model, learnt, measured, afw, scans) -> dict:
    """Returns what is measured of a network with the face model that it learnt."""
    model.get_layer("morphable_model").set_weights([learnt.mean, learnt.basis])
    return {
        "network": measure(model, measured, learnt),
        "floor": floor_of_fit(learnt, afw),
        "depth": depth(Normaliser(model.get_layer("localiser"), learnt), scans),
        "movement": movement(grid_model, learnt),
    }


def table(runs: dict[str, dict]) -> str:
    """Returns the results in Markdown."""
    scans = list(next(iter(runs.values()))["depth"])
    lines = [
        "| run | AFW | YouTube | CFP profiles | EER of CFP | floor of AFW | largest step, mm | "
        + " | ".join(scans)
        + " |",
        "|---" * (7 + len(scans)) + "|",
    ]
    for name, row in runs.items():
        cells = [f"{row['network'][place]['error']:.2f}" for place in ("AFW", "YouTube", "CFP")]
        cells.append(f"{row['network']['CFP']['eer']:.1f}")
        cells.append(f"{row['floor']['all']:.2f} / {row['floor']['inner']:.2f}")
        cells.append(f"{row['movement']['largest_step_to_neighbour_mm']:.2f}")
        cells += [
            ", ".join(f"{value:.2f}" for value in row["depth"][scan].values()) for scan in scans
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    """Runs what the results file lacks, and prints the table."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("scans", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--every", type=int, default=1, help="train on one photograph in so many")
    parser.add_argument("--only", nargs="*", choices=RUNS, default=list(RUNS))
    parser.add_argument("--start", type=Path, help="folder of weights; by default the bundled ones")
    parser.add_argument("--save", type=Path, help="folder for the networks")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    out = results_file("learnt_shape.json", options.record)
    record = read_results(out) or {"runs": {}, "steps": options.steps, "every": options.every}
    rows, measured = record["runs"], measured_faces(options.faces)
    grid_model, weights = GridModel.bundled(), "pretrained"
    if options.start:
        grid_model, weights = GridModel.load(options.start / "face_model.npz"), options.start
    afw = read_faces(options.faces / "300w/afw").landmarks[:, :68, :2].astype(float)
    others = measured, afw, options.scans
    if FROM not in rows:
        model = first_network(config_of(Run(), 0, 1), grid_model, weights)
        rows[FROM] = measured_row(model, grid_model, grid_model, *others)
    source = training_faces(options.faces, options.every, options.steps * BATCH)
    for name in options.only:
        if name in rows:
            continue
        run, face = RUNS[name]
        model = first_network(config_of(run, 0, BATCH), grid_model, weights)
        learn(model, grid_model, run, source, options.steps, face)
        learnt = refined_grid_model(model, grid_model)
        rows[name] = measured_row(model, grid_model, learnt, *others)
        if options.save:
            Normaliser(model.get_layer("localiser"), learnt).save(options.save / name)
        write_results(out, record)
        print(table(rows), flush=True)
    print(table(rows))
    write_results(out, record)
    print(out)


if __name__ == "__main__":
    main()
