"""Measures the sampler against `torch.nn.functional.grid_sample`, forward and backward.

python benchmarks/sampler.py [PHOTOGRAPHS] [--seconds 20]        (needs torch, from PyPI)

A batch of 16 images of 224² is sampled at grids of 112², as float32 with three channels: at the
grids that the bundled weights fit to rendered faces, or to the photographs of a folder, and at
random coordinates, the worst case for caches. Forward and backward is to image and grid, for both.
The calls of all take turns, so that other work on the machine meets them alike.

torch runs its threads with OpenMP, which waits whole time slices for a thread that another process
has displaced: on a machine that is not idle its times jump by multiples of 4 ms. The smallest
times are free of that.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import torch

from keras_3dmmstn import Normaliser, layers, ops, spatial_transformer
from keras_3dmmstn.export.photographs import middle_crop, rendered_photographs
from keras_3dmmstn.version import __version__

BATCH, IMAGE_SIZE, GRID_SIZE, CHANNELS = 16, 224, 112, 3
THREADS = 2
WARM_UP = 5  # calls


def fitted_faces(folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns images `(16, 224, 224, 3)` and the grids that are fitted to their faces."""
    normaliser = Normaliser.pretrained()
    if folder is None:
        images = rendered_photographs(normaliser.grid_model, IMAGE_SIZE, BATCH)
    else:
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".png"))
        if not paths:
            raise SystemExit(f"Expected photographs (.jpg, .png) in {folder}, found none.")
        images = np.stack([middle_crop(path, IMAGE_SIZE) for path in paths[:BATCH]])
        images = images[np.arange(BATCH) % len(images)]
    network = spatial_transformer(normaliser.grid_model, image_size=IMAGE_SIZE)
    network.get_layer("localiser").set_weights(normaliser.localiser.get_weights())
    (grid,) = (x for x in network.layers if isinstance(x, layers.ResampledGrid))
    return images, keras.Model(network.input, grid.output).predict(images, verbose=0)


def tensorflow_calls(images: np.ndarray, grid: np.ndarray, cotangent: np.ndarray, xla: bool):
    """Returns the sampler's calls: forward, and forward and backward."""
    arguments = tf.constant(images), tf.constant(grid)
    upstream = tf.constant(cotangent)

    @tf.function(jit_compile=xla)
    def forward(image, grid):
        return ops.sample_bilinear(image, grid)

    @tf.function(jit_compile=xla)
    def both(image, grid, upstream):
        with tf.GradientTape() as tape:
            tape.watch([image, grid])
            samples = ops.sample_bilinear(image, grid)
        return samples, *tape.gradient(samples, [image, grid], upstream)

    return (lambda: forward(*arguments)), (lambda: both(*arguments, upstream))


def torch_calls(images: np.ndarray, grid: np.ndarray, cotangent: np.ndarray):
    """Returns the calls of torch, on its own layout and with the grid already in its −1..1."""
    image = torch.tensor(images).permute(0, 3, 1, 2).contiguous()
    points = torch.tensor(grid / ((IMAGE_SIZE - 1) / 2) - 1)
    upstream = torch.tensor(cotangent).permute(0, 3, 1, 2).contiguous()

    def sample(image, points):
        return torch.nn.functional.grid_sample(
            image, points, mode="bilinear", padding_mode="zeros", align_corners=True
        )

    def forward():
        with torch.no_grad():
            return sample(image, points)

    leaves = image.clone().requires_grad_(), points.clone().requires_grad_()

    def both():
        samples = sample(*leaves)
        return samples, *torch.autograd.grad(samples, leaves, upstream)

    return forward, both


def take_turns(calls: dict[str, Callable], seconds: float) -> dict[str, dict[str, float]]:
    """Calls all in turn for a while; milliseconds of each, and its ratio to torch."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(WARM_UP):
            call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - start))
    results = {}
    for name, values in times.items():
        low, median, high = np.percentile(values, [25, 50, 75])
        results[name] = {"median": median, "minimum": min(values), "spread": high - low}
        results[name]["calls"] = len(values)
    for result in results.values():
        for figure in ("median", "minimum"):
            result[f"ratio_{figure}"] = result[figure] / results["torch"][figure]
    return {
        name: {key: round(float(value), 3) for key, value in result.items()}
        for name, result in results.items()
    }


def check_agreement(ours: Callable, theirs: Callable) -> None:
    """Raises an AssertionError unless both sample and differentiate alike."""
    samples, to_image, to_grid = (np.asarray(x) for x in ours())
    expected = [x.detach().numpy() for x in theirs()]
    scale = (IMAGE_SIZE - 1) / 2  # of torch's coordinates
    np.testing.assert_allclose(samples, expected[0].transpose(0, 2, 3, 1), atol=0.05)
    np.testing.assert_allclose(to_image, expected[1].transpose(0, 2, 3, 1), atol=1e-2)
    # Within rounding of a whole coordinate the two may be on different sides of the kink.
    off = np.abs(to_grid - expected[2] / scale) > 0.5
    assert off.mean() < 1e-3, f"gradients differ at {off.mean():.2%} of the coordinates"


def measure(folder: Path | None, seconds: float) -> dict:
    """Measures all cases."""
    rng = np.random.default_rng(0)
    images, fitted = fitted_faces(folder)
    cotangent = rng.normal(size=(*fitted.shape[:3], CHANNELS)).astype(np.float32)
    grids = {
        "fitted face": fitted,
        "random": rng.uniform(0, IMAGE_SIZE - 1, fitted.shape).astype(np.float32),
    }
    results: dict[str, dict] = {}
    for grid_name, grid in grids.items():
        peers = torch_calls(images, grid, cotangent)
        ours = {xla: tensorflow_calls(images, grid, cotangent, xla) for xla in (True, False)}
        for xla in ours:
            check_agreement(ours[xla][1], peers[1])
        for position, what in enumerate(("forward", "forward and backward")):
            calls = {
                "torch": peers[position],
                "XLA": ours[True][position],
                "graph": ours[False][position],
            }
            results[f"{grid_name}, {what}"] = take_turns(calls, seconds / 4)
    return results


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
        "torch": torch.__version__,
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
    parser.add_argument("photographs", type=Path, nargs="?", help="a folder")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/sampler.json")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    torch.set_num_threads(THREADS)
    load = os.getloadavg()[0]
    results = measure(arguments.photographs, arguments.seconds)
    print(f"{'':44}{'median':>9}{'minimum':>9}{'spread':>8} ms   of torch: median, minimum")
    for case, rows in results.items():
        for name, row in rows.items():
            times = f"{row['median']:9.2f}{row['minimum']:9.2f}{row['spread']:8.2f}"
            ratios = f"{row['ratio_median']:8.2f}{row['ratio_minimum']:9.2f}"
            print(f"{case + ', ' + name:44}{times}             {ratios}")
    print(f"load before the measurement: {load:.1f} (0: nothing else ran)")
    record = {**environment(), "load_before": round(load, 1), "results": results}
    record["case"] = {
        "batch": BATCH,
        "image": IMAGE_SIZE,
        "grid": GRID_SIZE,
        "channels": CHANNELS,
        "faces": "photographs" if arguments.photographs else "rendered",
        "unit": "ms",
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=1) + "\n")
    print(arguments.out)


if __name__ == "__main__":
    main()
