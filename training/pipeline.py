"""Face crops as `tf.data` batches for `fit`."""

import numpy as np
import tensorflow as tf

from keras_3dmmstn.framing import apply_similarity
from keras_3dmmstn.photograph import warp
from keras_3dmmstn.training.augmentation import augment
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.crops import FaceCrops


def training_batches(crops: FaceCrops, config: TrainingConfig) -> tf.data.Dataset:
    """Returns one shuffled, augmented epoch; each iteration is another one.

    An element is `(image, {"landmarks": landmarks})` with image `(batch, size, size, 3)` float32
    0..255 and landmarks `(batch, 68, 3)` float32: x, y in its pixels, and confidence.
    """

    def augmented(indices, seed):
        rng = np.random.default_rng(seed)
        pairs = [
            augment(crops.images[i], crops.landmarks[i], crops.scale, config, rng) for i in indices
        ]
        images, landmarks = zip(*pairs, strict=True)
        return np.stack(images), np.stack(landmarks)

    def to_element(indices, seed):
        images, landmarks = tf.numpy_function(augmented, [indices, seed], [tf.uint8, tf.float32])
        size = config.image_size
        images = tf.ensure_shape(images, (config.batch_size, size, size, 3))
        landmarks = tf.ensure_shape(landmarks, (config.batch_size, crops.landmarks.shape[1], 3))
        return tf.cast(images, tf.float32), {"landmarks": landmarks}

    indices = tf.data.Dataset.range(len(crops)).shuffle(len(crops), seed=config.seed)
    indices = indices.batch(config.batch_size, drop_remainder=True)
    seeds = tf.data.Dataset.random(seed=config.seed, rerandomize_each_iteration=True)
    return (
        tf.data.Dataset.zip(indices, seeds)
        .map(to_element, num_parallel_calls=2, deterministic=True)
        .prefetch(4)
    )


def evaluation_batches(crops: FaceCrops, config: TrainingConfig) -> tf.data.Dataset:
    """Returns the crops once, in order, centred and unchanged, as elements of the same kind."""
    scale = config.image_size / crops.scale
    shift = (config.image_size - 1) / 2 - scale * (crops.images.shape[1] - 1) / 2
    matrix = np.array([[scale, 0, shift], [0, scale, shift]])
    images = np.stack([warp(image, matrix, config.image_size) for image in crops.images])
    landmarks = crops.landmarks.copy()
    landmarks[..., :2] = apply_similarity(matrix, landmarks[..., :2])
    data = tf.data.Dataset.from_tensor_slices((images, {"landmarks": landmarks}))
    return data.batch(config.batch_size).prefetch(2)
