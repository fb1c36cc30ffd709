"""The input pipeline against the training step: is it ever slower?

python benchmarks/input_pipeline.py [FOLDER...] [--photographs 400] [--threads 2] [--quick]
    [--record]

Each FOLDER holds labelled photographs; without one, crops of a single photograph stand in. The
faces are cut out and converted to shards in a temporary folder. Then augmented batches are taken
from each source, and compared with a training step of the compact localiser on a batch in memory.
During training both share the machine's cores, so the processor time of all threads is measured
too.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
from faces import face_model, parameters
from recording import ROOT, results_file
from sizes import Size, sizes
from timing import Run

from keras_3dmmstn import GridModel, TrainingModel, ops, spatial_transformer
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.network.losses import LandmarkLoss
from keras_3dmmstn.network.residual_localisers import COMPACT_SIZE
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.batches import training_batches
from keras_3dmmstn.training.data.conversion import convert
from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.faces import LabelledFaces, joint_landmarks, read_faces
from keras_3dmmstn.training.data.labelled_faces import LANDMARK_SET
from keras_3dmmstn.training.data.mixture import mixture
from keras_3dmmstn.training.data.shards import Shards

BASE = Size(batch=64, image=COMPACT_SIZE)
PIPELINE_AXES = {"batch": (1, 4, 16), "image": (112, 224, 448)}
PHOTOGRAPH = ROOT / "docs/astronaut.jpg"
SIDE = 320  # pixels, of the crops that stand for photographs
AHEAD = 6  # batches that the pipeline makes before they are asked for
RUNS = 7


def crops_of_one(folder: Path, count: int) -> LabelledFaces:
    """Writes random crops of one photograph, and labels them as if a face were in each."""
    rng = np.random.default_rng(0)
    photograph = read_photograph(PHOTOGRAPH)
    model = face_model(GridModel.bundled().grid_shape[0], GridModel.bundled().modes)
    theta = parameters(model, count, SIDE // 2)
    paths, points = [], []
    for number in range(count):
        y, x = rng.integers(0, np.array(photograph.shape[:2]) - SIDE + 1)
        crop = photograph[y : y + SIDE, x : x + SIDE, ::-1]
        paths.append(folder / f"{number}.jpg")
        cv2.imwrite(str(paths[-1]), crop)
        vertices = model.shape(theta[number, 6:])[model.landmark_indices(LANDMARK_SET)]
        rotation = ops.axis_angle_to_matrix(theta[number, :3]).numpy()
        turned = np.exp(theta[number, 5]) * vertices @ rotation.T
        points.append(turned[:, :2] + theta[number, 3:5] + SIDE / 4)
    return LabelledFaces(tuple(paths), joint_landmarks(np.stack(points), LANDMARK_SET))


def milliseconds(calls: dict[str, Callable], drained: dict[str, int], seconds: float) -> dict:
    """Takes batches for a while, in several runs in which the calls take turns.

    A run takes many batches one after the other: they are made ahead and by several threads, so
    that a single one says little.

    Args:
        calls: what takes a batch, by name.
        drained: how many batches are taken before each run, which were made ahead.
        seconds: of all runs of a call.

    Returns:
        Milliseconds of a batch, and of the processor for it, `(2, RUNS)` by name.
    """
    passed: dict[str, list] = {name: [] for name in calls}
    for _ in range(RUNS):
        for name, batch in calls.items():
            for _ in range(drained[name]):
                batch()
            start, start_processor, count = time.perf_counter(), time.process_time(), 0
            while count == 0 or time.perf_counter() - start < seconds / RUNS:
                batch()
                count += 1
            both = time.perf_counter() - start, time.process_time() - start_processor
            passed[name].append([1e3 * part / count for part in both])
    return {name: np.transpose(runs) for name, runs in passed.items()}


def configuration(size: Size) -> TrainingConfig:
    """Returns the settings of a training with a size."""
    return TrainingConfig(image_size=size.image, batch_size=size.batch, augmentation=True)


def reading(source: FaceCrops | Shards, size: Size, mirror_pairs: bool = False) -> Callable:
    """Returns what takes the next batch of a source."""
    endless = mixture([source], faces_per_epoch=10**6)
    batches = training_batches(endless, configuration(size), mirror_pairs=mirror_pairs)
    iterator = iter(batches)
    return lambda: next(iterator)


def training(crops: FaceCrops, size: Size, symmetry: float = 0.0) -> Callable:
    """Returns what does a training step of the compact localiser on one batch, again and again."""
    options = {"image_size": size.image, "landmarks": LANDMARK_SET, "visibility": "normals"}
    model = spatial_transformer(GridModel.bundled(), **options)
    trainer = TrainingModel(model, shape_prior=0.01, symmetry=symmetry)
    trainer.compile(
        keras.optimizers.AdamW(1e-3),
        loss={"landmarks": LandmarkLoss(normalise=True)},
        jit_compile=False,
    )
    endless = mixture([crops], faces_per_epoch=size.batch)
    images, labels = next(iter(training_batches(endless, configuration(size))))
    return lambda: trainer.train_on_batch(images, labels)


def keep(run: Run, size: Size, ours: dict, peers: dict, seconds: float) -> None:
    """Measures sources and training steps, and keeps both kinds of time."""
    drained = {name: AHEAD for name in ours} | {name: 1 for name in peers}
    calls = {**ours, **peers}
    for call in calls.values():
        call()
    measured = milliseconds(calls, drained, seconds / 5 if run.quick else seconds)
    for kind, what in enumerate(("a batch", "a batch, processor's time")):
        samples = {name: times[kind] for name, times in measured.items()}
        run.keep(f"input pipeline, {what}", samples, [*ours], [*peers], **size.of("batch", "image"))
    for name, (passed, _) in measured.items():
        print(f"  {name:34} {1e3 * size.batch / np.median(passed):9.0f} photographs/s")


def main():
    """Measures all sources and the training step, then how the first source grows."""
    run = Run.from_command_line(
        __doc__,
        __file__,
        folders={"nargs": "*", "type": Path},
        **{"--photographs": {"type": int, "default": 400}},
    )
    if run.arguments.folders and not run.arguments.out:  # not a benchmark of the suite
        run.out = results_file("input_pipeline.json", run.arguments.record)
    with tempfile.TemporaryDirectory() as folder:
        count = run.arguments.photographs
        if run.arguments.folders:
            faces = read_faces(run.arguments.folders)
            chosen = np.random.default_rng(0).permutation(len(faces))[:count]
            faces = faces.choose(np.sort(chosen))
        else:
            faces = crops_of_one(Path(folder), count)
        shards = convert(faces, Path(folder) / "shards")
        crops = shards.load()
        ours = {
            "crops in memory": reading(crops, BASE),
            "the same, mirror pairs": reading(crops, BASE, mirror_pairs=True),
            "shards": reading(shards, BASE),
        }
        peers = {
            "training step": training(crops, BASE),
            "training step, symmetry loss": training(crops, BASE, symmetry=1.0),
        }
        keep(run, BASE, ours, peers, seconds=5)
        for size in [] if run.quick else sizes(BASE, PIPELINE_AXES)[1:]:
            keep(run, size, {"crops in memory": reading(crops, size)}, {}, seconds=1.5)
    run.write()


if __name__ == "__main__":
    main()
