"""Crops on which a network judges itself."""

import numpy as np

from keras_3dmmstn.training.confidence.difficult_crops import DifficultCrop


def crop(image, landmarks=None):
    """A crop with 68 labelled landmarks, or without a face."""
    labels = np.zeros((89, 3), np.float32)
    if landmarks is not None:
        labels[:68] = np.column_stack([landmarks, np.ones(68)])
    return DifficultCrop(image, labels, "ordinary", 0)
