"""Faces cut out of their photographs once, with room for augmentation."""

from dataclasses import dataclass

import numpy as np

from keras_3dmmstn import framing
from keras_3dmmstn.photograph import read_photograph, warp
from keras_3dmmstn.training.faces import LabelledFaces

#: Side of a stored crop in pixels, and in sides of the crop that the network sees.
STORED_SIZE = 192
STORED_SHARE = 1.5


@dataclass(frozen=True)
class FaceCrops:
    """Face crops in memory.

    Attributes:
        images: `(faces, 192, 192, 3)` uint8, RGB; outside the photograph black.
        landmarks: `(faces, L, 3)` float32: x, y in pixels of the crop, and confidence.
        scale: side in pixels of the square that the network is to see, in the stored crop.
    """

    images: np.ndarray
    landmarks: np.ndarray
    scale: float = STORED_SIZE / STORED_SHARE

    def __len__(self):
        return len(self.images)


def cut_faces(faces: LabelledFaces, progress=iter) -> FaceCrops:
    """Reads the photographs and cuts the faces out, centred.

    Args:
        faces: the labelled photographs.
        progress: called on the sequence of photographs that is iterated over, to show progress.
    """
    images = np.empty((len(faces), STORED_SIZE, STORED_SIZE, 3), np.uint8)
    landmarks = faces.landmarks.copy()
    for index in progress(range(len(faces))):
        known = landmarks[index, :, 2] > 0
        matrix = framing.crop_matrix(framing.tight_box(landmarks[index, known, :2]), STORED_SIZE)
        shrink = 1 / STORED_SHARE
        middle = (STORED_SIZE - 1) / 2
        matrix = matrix * shrink + np.array([[0, 0, middle], [0, 0, middle]]) * (1 - shrink)
        images[index] = warp(read_photograph(faces.paths[index]), matrix, STORED_SIZE)
        landmarks[index, :, :2] = framing.apply_similarity(matrix, landmarks[index, :, :2])
    return FaceCrops(images, landmarks)
