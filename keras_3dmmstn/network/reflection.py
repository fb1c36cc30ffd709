"""Batches of images and their reflections, for the siamese loss."""

import numpy as np
import tensorflow as tf

from keras_3dmmstn.mesh.landmark_sets import MIRROR, mirror_permutation


def with_reflections(image, labels, landmark_set="ibug68", mirror=None):
    """Inserts after each image of a batch its horizontal reflection, with matching labels.

    For `dataset.batch(n).map(with_reflections)`; the order (image 0, its reflection, image 1, ...)
    is that of `mirror_pair_loss`.

    Args:
        image: `(batch, height, width, channels)` tensor.
        labels: `{"landmarks": (batch, L, 3)}`: x, y in pixels, and confidence.
        landmark_set: the name of the landmark set, which determines the landmarks' mirror images;
            several can be joined by "+", as in `"ibug68+aflw21"`. Not used with a `mirror`.
        mirror: `(L,)`, for each landmark the one that takes its place, for landmarks of your own:
            `GridModel.mirror_permutation` finds it.

    Returns:
        `(2 batch, height, width, channels)` tensor, and `{"landmarks": (2 batch, L, 3)}`.

    Raises:
        ValueError: if the mirror images of such landmarks are not known, or `mirror` is not a
            permutation of them.

    Source:
        Bas et al. 2017, sec. 3.2.
    """
    landmarks = labels["landmarks"]
    count = landmarks.shape[1]
    mirror = _partners(landmark_set) if mirror is None else np.asarray(mirror)
    if count not in (None, len(mirror)) or sorted(mirror.tolist()) != [*range(len(mirror))]:
        raise ValueError(
            f"with_reflections expects a `landmark_set` or a `mirror` of the {count} landmarks, "
            f"received one of {len(mirror)}."
        )
    x, y, confidence = tf.unstack(landmarks, axis=-1)
    last_column = tf.cast(tf.shape(image)[2] - 1, x.dtype)
    reflected = tf.stack([last_column - x, y, confidence], axis=-1)
    reflected = tf.gather(reflected, mirror, axis=1)
    return (
        _interleaved(image, tf.reverse(image, axis=[2])),
        {"landmarks": _interleaved(landmarks, reflected)},
    )


def _partners(landmark_set):
    """Returns for each landmark of a named set the one that takes its place, `(L,)`."""
    if not set(landmark_set.split("+")) <= set(MIRROR):
        raise ValueError(
            "with_reflections expects a `mirror`, or one of the landmark sets "
            f"{', '.join(map(repr, MIRROR))}, received {landmark_set!r}."
        )
    return mirror_permutation(landmark_set)


def _interleaved(first, second):
    """Returns first[0], second[0], first[1], second[1], ... along the batch axis."""
    pairs = tf.stack([first, second], axis=1)
    return tf.reshape(pairs, (-1, *first.shape[1:]))
