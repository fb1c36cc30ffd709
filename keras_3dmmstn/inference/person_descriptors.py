"""Descriptors of the people in normalised faces: an example, not a product."""

import functools
import threading
from collections.abc import Sequence

import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.recognition.face_descriptor import FaceDescriptor

# Threads that start together read the files only once.
_LOADING = threading.Lock()


def person_descriptors(faces: Sequence[NormalisedFace]) -> np.ndarray:
    """Returns descriptors for faces of the bundled face model, see `Normaliser.describe`.

    Args:
        faces: with their photographs, as a `Normaliser` returns them.

    Returns:
        `(n, D)` float32 of length 1.

    Raises:
        ValueError: if a face has a different face model, or no photograph.
    """
    with _LOADING:
        describe, bundled = _bundled()
    for face in faces:
        if not _has_the_identity_of(bundled, face.grid_model):
            raise ValueError(
                "Describing people expects faces of the bundled face model, received others."
            )
    resampled = [face.resampled(describe.size) for face in faces]
    identity = np.zeros((len(faces), bundled.identity_count), np.float32)
    textures = np.zeros((len(faces), describe.size, describe.size, 3), np.uint8)
    masks = np.zeros(textures.shape[:3], bool)
    for number, face in enumerate(resampled):
        identity[number] = face.parameters["identity"]
        textures[number], masks[number] = face.texture, face.mask
    return describe(textures, masks, identity)


def _has_the_identity_of(bundled, model):
    """Returns whether a face model has the mean and the identity modes of the bundled one."""
    if model is None or model.identity_count != bundled.identity_count:
        return False
    modes = slice(bundled.identity_count)
    return np.array_equal(model.mean, bundled.mean) and np.array_equal(
        model.basis[modes], bundled.basis[modes]
    )


@functools.cache
def _bundled():
    return FaceDescriptor.bundled(), GridModel.bundled()
