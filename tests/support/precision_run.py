"""A short run of the recipe for phones, in any precision: few rendered faces, again and again."""

from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.network.reflection import with_reflections
from keras_3dmmstn.training.network import build_measure, build_network, build_trainer
from keras_3dmmstn.training.recipes import recipe
from tests.support.rendered_faces import SIZE, rendered_photograph

# The recipe for phones with all four losses, in short.
CONFIG = replace(
    recipe("compact"),
    learning_rate=3e-3,
    warm_up=0.1,
    weight_decay=0.0,
    symmetry=1e-5,
    mirror_pairs=1e-5,
    jit_compile="off",
)


def draw_photographs(face, count):
    """Renders faces at the size of the recipe, with their 89 landmarks, of which 68 are known."""
    rng = np.random.default_rng(0)
    drawn = [rendered_photograph(face, rng) for _ in range(count)]
    photographs = np.stack([photograph for photograph, _ in drawn]).astype(np.float32)
    shrink = CONFIG.image_size / SIZE
    labels = np.zeros((count, 89, 3), np.float32)
    labels[:, :68] = [points for _, points in drawn]
    labels[..., :2] = (labels[..., :2] + 0.5) * shrink - 0.5  # pixel centres are integers
    size = (CONFIG.image_size, CONFIG.image_size)
    return tf.image.resize(photographs, size, antialias=True), {"landmarks": tf.constant(labels)}


def trained(precision, face, data, steps, seed=0):
    """Trains on one batch, again and again; returns the network and its trainer."""
    config = replace(CONFIG, precision=precision)
    keras.utils.set_random_seed(seed)
    model = build_network(config, face)
    trainer = build_trainer(model, config, steps)
    batch = with_reflections(*data, "ibug68+aflw21")
    trainer.fit(tf.data.Dataset.from_tensors(batch).repeat(steps), shuffle=False, verbose=0)
    return model, trainer


def error(model, data):
    """Returns the mean distance of the landmarks in pixels, of inference."""
    return build_measure(model, CONFIG).evaluate(*data, return_dict=True, verbose=0)["pixels"]
