"""Holds `ops.sample_bilinear` against `tfa.image.resampler`: values and gradients to both inputs.

`make addons` runs it in an environment of its own, with the last TensorFlow that has addons. The
package itself needs Keras 3, which is not there: only its `ops` are imported.
"""

import sys
import types
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

PACKAGE = Path(__file__).parents[2] / "keras_3dmmstn"
BATCH, IMAGE_SIZE, GRID_SIZE, CHANNELS = 4, 224, 112, 3

#: Sums of four products of levels up to 255, and for the image's gradient of all samples that share
#: a pixel: float32 eps 1.2e-7 times 255 times a few.
TOLERANCE = 2e-4


def import_ops() -> types.ModuleType:
    """Returns `keras_3dmmstn.ops` without running the package's own `__init__`."""
    package = types.ModuleType("keras_3dmmstn")
    package.__path__ = [str(PACKAGE)]
    sys.modules["keras_3dmmstn"] = package
    from keras_3dmmstn import ops

    return ops


def face_like_grid() -> np.ndarray:
    """Returns smooth grids `(batch, rows, columns, 2)` in the image, turned and bulging."""
    rows, columns = np.meshgrid(*[np.linspace(-1, 1, GRID_SIZE)] * 2, indexing="ij")
    grids = []
    for turn in np.linspace(-0.6, 0.6, BATCH):
        depth = np.sqrt(np.maximum(2.5 - rows**2 - columns**2, 0))
        x = np.cos(turn) * columns + np.sin(turn) * depth
        y = rows + 0.1 * turn * columns
        grids.append(np.stack([IMAGE_SIZE / 2 + 55 * x, IMAGE_SIZE / 2 + 75 * y], axis=-1))
    return np.stack(grids).astype(np.float32)


def values_and_gradients(sampler, image, grid, cotangent):
    """Returns the samples and the gradients to image and grid."""
    with tf.GradientTape() as tape:
        tape.watch([image, grid])
        samples = sampler(image, grid)
    return samples, *tape.gradient(samples, [image, grid], cotangent)


def main():
    """Compares the two and raises an AssertionError where they differ."""
    ops = import_ops()
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 255, (BATCH, IMAGE_SIZE, IMAGE_SIZE, CHANNELS)).astype(np.float32)
    shape = (BATCH, GRID_SIZE, GRID_SIZE)
    grids = {
        "face": face_like_grid(),
        "random": rng.uniform(0, IMAGE_SIZE - 1, (*shape, 2)).astype(np.float32),
    }
    cotangent = tf.constant(rng.normal(size=(*shape, CHANNELS)), tf.float32)
    print(f"tensorflow {tf.__version__}, tensorflow-addons {tfa.__version__}")
    for name, grid in grids.items():
        assert grid.min() >= 0 and grid.max() < IMAGE_SIZE - 1, "outside the image the two differ"
        arguments = tf.constant(image), tf.constant(grid), cotangent
        ours = values_and_gradients(ops.sample_bilinear, *arguments)
        theirs = values_and_gradients(tfa.image.resampler, *arguments)
        for what, *both in zip(("samples", "to image", "to grid"), ours, theirs, strict=True):
            a, b = (np.asarray(x) for x in both)
            print(f"{name:7} {what:9} largest value {np.abs(b).max():8.3f}  ", end="")
            print(f"largest difference {np.abs(a - b).max():.2e}")
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=TOLERANCE, err_msg=f"{name}: {what}")


if __name__ == "__main__":
    main()
