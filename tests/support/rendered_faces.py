"""Photographs of faces whose points are known, and training on them."""

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn import TrainingModel
from keras_3dmmstn.drawing.render import render_mesh
from keras_3dmmstn.network import losses
from keras_3dmmstn.network.localiser import rest_pose
from tests.support import naive

SIZE = 224


def rendered_photograph(face, rng, focal_length=None):
    """Draws a random face in a random pose; returns the picture and its `(68, 3)` labels.

    With a focal length, in sides of the picture, a perspective camera sees the face.
    """
    translation, log_scale = rest_pose(face, SIZE)
    r, alpha = rng.normal(0, 0.3, 3), rng.normal(size=face.modes)
    translation = translation + rng.normal(0, 10, 2)
    log_scale = log_scale + rng.normal(0, 0.1)

    rotation = naive.rotation_matrix(r)
    vertices = np.exp(log_scale) * face.shape(alpha) @ rotation.T
    vertices[:, :2] += translation
    if focal_length is not None:
        middle = (SIZE - 1) / 2
        shrink = 1 + vertices[:, 2:] / (focal_length * SIZE)
        vertices[:, :2] = (vertices[:, :2] - middle) / shrink + middle
    waves = face.mean @ rng.normal(0, 0.05, (3, 3)) + rng.uniform(0, 2 * np.pi, 3)
    picture = render_mesh(
        vertices,
        face.triangles,
        SIZE,
        colours=127 + 100 * np.sin(waves),
        frame=(np.full(2, (SIZE - 1) / 2), SIZE),
        background=tuple(rng.integers(0, 255, 3).tolist()),
    )
    points = vertices[face.landmarks["ibug68"], :2]
    return picture, np.concatenate([points, np.ones((68, 1))], axis=1)


def two_rendered_photographs(face, rng):
    """Returns two pictures `(2, size, size, 3)` and their labels `(2, 68, 3)`."""
    (first, first_labels), (second, second_labels) = (
        rendered_photograph(face, rng) for _ in range(2)
    )
    return np.stack([first, second]), np.stack([first_labels, second_labels])


def three_convolutions():
    """Three convolutions without batch statistics: enough to tell two photographs apart."""
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.AveragePooling2D(4),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Conv2D(16, 5, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
        ]
    )


def errors_before_and_after_training(model, images, labels, steps, learning_rate):
    """Trains on one batch, again and again; returns mean landmark errors of inference, pixels."""
    trainer = TrainingModel(model)
    trainer.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)),
        loss={"landmarks": losses.LandmarkLoss(normalise=True)},
        metrics={"landmarks": losses.LandmarkError()},
        jit_compile=False,  # compiling would take longer than training
    )
    images, labels = images.astype("float32"), {"landmarks": labels.astype("float32")}
    before = trainer.evaluate(images, labels, return_dict=True, verbose=0)["pixels"]
    batches = tf.data.Dataset.from_tensors((images, labels)).repeat(steps)
    trainer.fit(batches, shuffle=False, verbose=0)
    return before, trainer.evaluate(images, labels, return_dict=True, verbose=0)["pixels"]
