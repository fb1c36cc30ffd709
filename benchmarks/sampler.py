"""Measures the sampler against `torch.nn.functional.grid_sample`, forward and backward.

python benchmarks/sampler.py [PHOTOGRAPHS] [--threads 2] [--quick] [--record]     (needs torch)

A batch of 16 images of 224² with three float32 channels is sampled at grids of 112²: first at the
grids that the bundled weights fit to rendered faces, or to the photographs of a folder, then at
random coordinates, the worst case for caches. "Forward and backward" includes the gradients to the
image and to the grid. "To the grid" leaves out the gradient to the image, which a training step
does not need.

torch runs its threads with OpenMP. On a busy machine OpenMP waits whole time slices for a thread
that another process has displaced, so its times jump by multiples of 4 ms. The smallest times are
free of that.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import torch
from timing import Run

from keras_3dmmstn import Normaliser, layers, ops, spatial_transformer
from keras_3dmmstn.export.comparison_photographs import middle_crop, rendered_photographs

BATCH, IMAGE_SIZE, GRID_SIZE, CHANNELS = 16, 224, 112, 3
PEER = "torch.grid_sample"


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
    """Returns the sampler's calls by name."""
    arguments = tf.constant(images), tf.constant(grid)
    upstream = tf.constant(cotangent)

    @tf.function(jit_compile=xla)
    def forward(image, grid):
        return ops.sample_bilinear(image, grid)

    def backward(to_image):
        @tf.function(jit_compile=xla)
        def call(image, grid, upstream):
            inputs = [image, grid] if to_image else [grid]
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                samples = ops.sample_bilinear(image, grid)
            return samples, *tape.gradient(samples, inputs, upstream)

        return lambda: call(*arguments, upstream)

    return {
        "forward": lambda: forward(*arguments),
        "forward and backward": backward(to_image=True),
        "forward and backward to the grid": backward(to_image=False),
    }


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

    def backward(to_image):
        leaves = image.clone().requires_grad_(to_image), points.clone().requires_grad_()

        def call():
            samples = sample(*leaves)
            return samples, *torch.autograd.grad(samples, leaves[not to_image :], upstream)

        return call

    return {
        "forward": forward,
        "forward and backward": backward(to_image=True),
        "forward and backward to the grid": backward(to_image=False),
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


def main():
    """Measures, prints and writes the results."""
    run = Run.from_command_line(
        __doc__,
        __file__,
        photographs={"type": Path, "nargs": "?", "help": "a folder; rendered faces if absent"},
    )
    rng = np.random.default_rng(0)
    images, fitted = fitted_faces(run.arguments.photographs)
    cotangent = rng.normal(size=(*fitted.shape[:3], CHANNELS)).astype(np.float32)
    grids = {
        "fitted face": fitted,
        "random": rng.uniform(0, IMAGE_SIZE - 1, fitted.shape).astype(np.float32),
    }
    for grid_name, grid in grids.items():
        peers = torch_calls(images, grid, cotangent)
        ours = {
            kind: tensorflow_calls(images, grid, cotangent, xla)
            for kind, xla in {"XLA": True, "graph": False}.items()
        }
        for calls in ours.values():
            check_agreement(calls["forward and backward"], peers["forward and backward"])
        for what, peer in peers.items():
            mine = {kind: calls[what] for kind, calls in ours.items()}
            run.compare(f"sampler, {grid_name}, {what}", mine, {PEER: peer}, seconds=5)
    run.write()


if __name__ == "__main__":
    main()
