"""Training steps of the whole network and of its parts."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn import GridModel, TrainingModel, spatial_transformer
from keras_3dmmstn.network.localiser import rest_pose
from keras_3dmmstn.network.losses import LandmarkLoss
from keras_3dmmstn.network.vgg_face import vgg_face_backbone

IMAGE_SIZE, BATCH, LANDMARKS = 224, 32, 68
#: The losses beside that on landmarks, with the weights of the paper (docs/training.md).
WEIGHTS = {"shape_prior": 0.111, "symmetry": 1.8, "mirror_pairs": 1.8}
#: Too small to move the weights: each step does the same.
LEARNING_RATE = 1e-12


def network(localiser: str) -> keras.Model:
    """Builds the network with the localiser `compact`, `vgg-face` or `none`."""
    backbones = {"compact": lambda: None, "vgg-face": vgg_face_backbone, "none": one_pixel}
    options = {"image_size": IMAGE_SIZE, "visibility": "normals"}  # as the recipes train
    model = spatial_transformer(GridModel.bundled(), backbones[localiser](), **options)
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
