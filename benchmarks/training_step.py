"""Measures what the geometry costs of a training step: everything after the localiser.

python benchmarks/training_step.py [--steps 30]
python benchmarks/training_step.py --localiser vgg-face --steps 2 --warm-up 1

Three steps take turns on the same batch of 32 images of 224² with a grid of 112²: of the whole
network with all four losses; of its localiser alone, with a loss on its output; and of a network
whose localiser is one small matrix product, so that nothing but the geometry is left. The first
less the second is what the geometry adds to a step, the third what it takes by itself. Steps are as
the recipes train on a processor: convolutions by TensorFlow's kernels, the losses on textures and
their gradient compiled by XLA. The first and the third are also timed without XLA, and the first
without losses on textures, as the recipe `compact` trains.

Peak memory is that of fresh processes which do a few steps of the one or the other.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn import GridModel, TrainingModel, spatial_transformer
from keras_3dmmstn.network.localiser import rest_pose
from keras_3dmmstn.network.losses import LandmarkLoss
from keras_3dmmstn.network.vgg_face import vgg_face_backbone
from keras_3dmmstn.version import __version__

IMAGE_SIZE, BATCH, LANDMARKS = 224, 32, 68
THREADS = 2
MEMORY_STEPS = 2  # after which a step takes no more
#: The losses beside that on landmarks, with the weights of the paper (docs/training.md).
WEIGHTS = {"shape_prior": 0.111, "symmetry": 1.8, "mirror_pairs": 1.8}
#: Too small to move the weights: each step does the same.
LEARNING_RATE = 1e-12


def network(localiser: str) -> keras.Model:
    """Builds the network with the localiser `compact`, `vgg-face` or `none`."""
    backbones = {"compact": lambda: None, "vgg-face": vgg_face_backbone, "none": one_pixel}
    model = spatial_transformer(GridModel.bundled(), backbones[localiser](), image_size=IMAGE_SIZE)
    if localiser == "none":  # a new head makes the mean face of every image: let them differ
        head = model.get_layer("localiser").get_layer("head")
        kernel, bias = head.get_weights()
        head.set_weights([np.random.default_rng(1).normal(0, 2e-3, kernel.shape), bias])
    return model


def one_pixel() -> keras.Model:
    """Returns a backbone that takes no time: its features are the pixel in the middle."""
    return keras.Sequential(
        [
            keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
            keras.layers.CenterCrop(1, 1),
            keras.layers.Flatten(),
        ]
    )


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Returns images and landmark labels, at random."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (BATCH, IMAGE_SIZE, IMAGE_SIZE, 3)).astype(np.float32)
    labels = np.ones((BATCH, LANDMARKS, 3), np.float32)
    labels[..., :2] = rng.uniform(0.2, 0.8, (BATCH, LANDMARKS, 2)) * IMAGE_SIZE
    return images, labels


def whole_step(model: keras.Model, textures: bool = True, xla: bool = True) -> Callable:
    """Returns a training step of a network, with or without the losses on textures."""
    weights = {n: w for n, w in WEIGHTS.items() if textures or n == "shape_prior"}
    trainer = TrainingModel(model, **weights, jit_textures=xla)
    optimiser = keras.optimizers.SGD(LEARNING_RATE)
    trainer.compile(optimiser, loss={"landmarks": LandmarkLoss()}, jit_compile=False)
    images, labels = (tf.constant(x) for x in batch())
    return lambda: trainer.train_on_batch(images, {"landmarks": labels})


def localiser_step(model: keras.Model) -> Callable:
    """Returns a training step of a network's localiser alone."""
    localiser = model.get_layer("localiser")
    trainer = keras.Model(localiser.input, localiser.output)
    trainer.compile(keras.optimizers.SGD(LEARNING_RATE), loss="mse", jit_compile=False)
    translation, log_scale = rest_pose(GridModel.bundled(), IMAGE_SIZE)
    theta = np.zeros((BATCH, localiser.output.shape[-1]), np.float32)
    theta[:, 3:6] = [*translation, log_scale]
    images, theta = tf.constant(batch()[0]), tf.constant(theta)
    return lambda: trainer.train_on_batch(images, theta)


def take_turns(steps: dict[str, Callable], count: int, warm_up: int) -> dict[str, dict[str, float]]:
    """Does each step so many times, in turn.

    Returns:
        Milliseconds of each, and of processor time, all threads together.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(warm_up):
            step()
    for _ in range(count):
        for name, step in steps.items():
            start, processor = time.perf_counter(), time.process_time()
            step()
            passed = time.perf_counter() - start, time.process_time() - processor
            times[name].append(passed)
    results = {}
    for name, values in times.items():
        wall, processor = 1000 * np.transpose(values)
        low, median, high = np.percentile(wall, [25, 50, 75])
        results[name] = {
            "median": round(float(median), 2),
            "minimum": round(float(wall.min()), 2),
            "spread": round(float(high - low), 2),
            "processor_median": round(float(np.median(processor)), 2),
            "processor_minimum": round(float(processor.min()), 2),
        }
    return results


def shares(results: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Returns the geometry's share of the whole step: by difference, and alone.

    The difference is the better one, as long as it is not small beside the spread of the steps.
    """
    whole, localiser = results["whole network"], results["localiser"]
    alone = results["geometry alone"]
    figures = [figure for figure in whole if figure != "spread"]
    return {
        "by difference": {f: round(1 - localiser[f] / whole[f], 3) for f in figures},
        "alone": {f: round(alone[f] / whole[f], 4) for f in figures},
    }


def floor(model: GridModel) -> dict[str, float]:
    """Returns the least that the geometry has to move and to calculate in a step, in 10⁶.

    Bytes: basis and mean once forward and once back; of each image the points (3D and 2D), the
    texture and the mask written once and read once on the way back, and four pixels read at each
    point. Operations: two for each product of the basis, forward and back; about 200 of the rest at
    each point.
    """
    points, modes = model.mean.shape[0], model.modes
    basis_bytes = 2 * 4 * 3 * points * (modes + 1)
    point_bytes = 2 * 4 * (3 + 2 + 3 + 1) + 4 * 4 * 3
    basis_operations = 2 * 2 * 3 * points * modes * BATCH
    return {
        "megabytes": round((basis_bytes + BATCH * points * point_bytes) / 1e6, 1),
        "million_operations": round((basis_operations + 200 * BATCH * points) / 1e6, 1),
    }


def peak_memory(localiser: str, part: str) -> float:
    """Returns the megabytes that a fresh process takes at most for a few steps."""
    program = [sys.executable, __file__, "--localiser", localiser, "--memory-of", part]
    run = subprocess.run(program, capture_output=True, text=True, check=True)
    return float(run.stdout.strip().splitlines()[-1])


def print_peak_memory(localiser: str, part: str) -> None:
    """Does a few steps of one part, and prints the peak memory of the process in megabytes."""
    model = network("none" if part == "geometry" else localiser)
    if part != "nothing":
        step = localiser_step(model) if part == "localiser" else whole_step(model)
        for _ in range(MEMORY_STEPS):
            step()
    # Not getrusage: a process inherits the peak of the one that started it.
    status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    print(int(status.split()[0]) / 1024)


def environment() -> dict:
    """Returns what the figures depend on."""
    root = Path(__file__).parents[1]
    commit = subprocess.run(
        ["git", "-C", root, "describe", "--always", "--dirty"], capture_output=True, text=True
    )
    return {
        "commit": commit.stdout.strip() or None,
        "keras_3dmmstn": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": "CPU",
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": THREADS,
    }


def main():
    """Measures, prints and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--localiser", choices=["compact", "vgg-face"], default="compact")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--memory-of", choices=["nothing", "localiser", "whole", "geometry"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    if arguments.memory_of:
        print_peak_memory(arguments.localiser, arguments.memory_of)
        return
    load = os.getloadavg()[0]
    model = network(arguments.localiser)
    results = take_turns(
        {
            "whole network": whole_step(model),
            "localiser": localiser_step(model),
            "geometry alone": whole_step(network("none")),
            "whole network, no XLA": whole_step(model, xla=False),
            "geometry alone, no XLA": whole_step(network("none"), xla=False),
            "whole network, no textures": whole_step(model, textures=False),
        },
        arguments.steps,
        arguments.warm_up,
    )
    parts = ("nothing", "localiser", "geometry", "whole")
    record = {
        **environment(),
        "load_before": round(load, 1),
        "localiser": arguments.localiser,
        "batch": BATCH,
        "image": IMAGE_SIZE,
        "unit": "ms",
        "results": results,
        "share_after_the_localiser": shares(results),
        "floor": floor(GridModel.bundled()),
        "peak_megabytes": {part: round(peak_memory(arguments.localiser, part)) for part in parts},
    }
    print(f"{'step':26}{'median':>9}{'minimum':>9}{'spread':>9} ms   processor: median, minimum")
    for name, row in results.items():
        times = f"{row['median']:9.1f}{row['minimum']:9.1f}{row['spread']:9.1f}"
        print(f"{name:26}{times}   {row['processor_median']:17.1f}{row['processor_minimum']:9.1f}")
    for name in ("share_after_the_localiser", "floor", "peak_megabytes"):
        print(name.replace("_", " ") + ":", record[name])
    print(f"load before the measurement: {load:.1f} (0: nothing else ran)")
    file = f"training_step_{arguments.localiser.replace('-', '_')}.json"
    out = arguments.out or Path(__file__).parent / "results" / file
    out.write_text(json.dumps(record, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
