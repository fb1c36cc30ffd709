"""Measures the input pipeline: is it ever slower than the training?

python benchmarks/input_pipeline.py FOLDER... [--photographs 2000] [--seconds 15]

FOLDERs are labelled photographs. They are cut out and converted to shards (in a temporary folder),
then photographs a second are measured for each source alone, with augmentation, and for the
training step of the compact localiser on a batch that is already there. All share the machine's
cores when they run together, so that what counts is also the processor's time: milliseconds of
processor for each photograph of each source, against those of the training step.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn import GridModel, spatial_transformer
from keras_3dmmstn.localiser import COMPACT_SIZE
from keras_3dmmstn.losses import LandmarkLoss, training_model
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.conversion import convert
from keras_3dmmstn.training.crops import FaceCrops
from keras_3dmmstn.training.faces import read_faces
from keras_3dmmstn.training.labelled_faces import LANDMARK_SET
from keras_3dmmstn.training.mixture import mixture
from keras_3dmmstn.training.pipeline import training_batches
from keras_3dmmstn.training.shards import Shards

CONFIG = TrainingConfig(image_size=COMPACT_SIZE, batch_size=64, augmentation=True)
WARM_UP = 3  # batches
RUNS = 3


def rate(batch: Callable, seconds: float) -> dict:
    """Calls `batch` for a while; the median of several runs.

    Returns:
        `per_second` photographs, and `processor_ms` of a photograph, all threads together.
    """
    for _ in range(WARM_UP):
        batch()
    runs = []
    for _ in range(RUNS):
        start, processor, count = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - start < seconds / RUNS:
            batch()
            count += CONFIG.batch_size
        passed = time.perf_counter() - start
        runs.append((count / passed, 1000 * (time.process_time() - processor) / count))
    median = sorted(runs)[RUNS // 2]
    return {"per_second": round(median[0], 1), "processor_ms": round(median[1], 3)}


def reading(source: FaceCrops | Shards, mirror_pairs: bool = False) -> Callable:
    """Returns what takes the next batch of a source."""
    batches = training_batches(
        mixture([source], faces_per_epoch=10**6), CONFIG, mirror_pairs=mirror_pairs
    )
    iterator = iter(batches)
    return lambda: next(iterator)


def training(crops: FaceCrops, symmetry: float = 0.0) -> Callable:
    """Returns what does a training step of the compact localiser on one batch, again and again."""
    model = spatial_transformer(
        GridModel.bundled(), image_size=CONFIG.image_size, landmarks=LANDMARK_SET
    )
    trainer = training_model(model, shape_prior=0.01, symmetry=symmetry)
    # XLA compiles no fast convolutions for a processor.
    trainer.compile(
        keras.optimizers.AdamW(1e-3),
        loss={"landmarks": LandmarkLoss(normalise=True)},
        jit_compile=bool(tf.config.list_physical_devices("GPU")),
    )
    images, labels = next(iter(training_batches(crops, CONFIG)))
    return lambda: trainer.train_on_batch(images, labels)


def measure(folders: list[Path], photographs: int, seconds: float) -> dict:
    """Measures all sources and the training step."""
    faces = read_faces(folders)
    chosen = np.random.default_rng(0).permutation(len(faces))[:photographs]
    faces = faces.choose(np.sort(chosen))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        shards = convert(faces, folder)
        results = {
            "conversion": {"per_second": round(len(shards) / (time.perf_counter() - start), 1)}
        }
        crops = shards.load()
        results["in memory"] = rate(reading(crops), seconds)
        results["in memory, mirror pairs"] = rate(reading(crops, mirror_pairs=True), seconds)
        results["shards"] = rate(reading(shards), seconds)
    results["training step"] = rate(training(crops), seconds)
    results["training step, symmetry loss"] = rate(training(crops, symmetry=1.0), seconds)
    return {"photographs": len(crops), "results": results}


def main():
    """Measures, prints and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--photographs", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results/input_pipeline.json"
    )
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    measured = measure(arguments.folders, arguments.photographs, arguments.seconds)
    step = measured["results"]["training step"]
    for name, result in measured["results"].items():
        line = f"{name:30} {result['per_second']:8.0f} photographs/s"
        if "processor_ms" in result:
            line += f"  {result['processor_ms']:6.2f} ms of processor each"
            result["times_the_training"] = round(result["per_second"] / step["per_second"], 2)
            by_processor = step["processor_ms"] / result["processor_ms"]
            result["times_the_training_by_processor"] = round(by_processor, 2)
            line += f"  {result['times_the_training']:.2f} x the training step"
            line += f" ({by_processor:.2f} by processor time)"
        print(line)
    record = {
        **measured,
        "batch_size": CONFIG.batch_size,
        "image_size": CONFIG.image_size,
        "cores": os.cpu_count(),
        "load_before": round(load, 1),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
    print(f"{os.cpu_count()} cores; load before the measurement {load:.1f} (0: nothing else ran)")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=1) + "\n")
    print(arguments.out)


if __name__ == "__main__":
    main()
