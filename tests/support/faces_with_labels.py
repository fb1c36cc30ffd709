"""Small labelled faces, and a normaliser whose answer for them is known."""

import cv2
import keras
import numpy as np

from keras_3dmmstn import build_localiser
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces, joint_landmarks

BOX = np.array([60.0, 50.0, 160.0, 150.0])


def normaliser_that_says(raw=()):
    """A normaliser of a toy face whose head ignores the photograph and answers `raw`."""
    grid_model = toy_grid_model((24, 24))
    backbone = keras.Sequential([keras.Input((112, 112, 3)), keras.layers.GlobalAveragePooling2D()])
    localiser = build_localiser(backbone, grid_model, 112)
    answer = np.zeros(6 + grid_model.modes)
    answer[: len(raw)] = raw
    localiser.get_layer("head").set_weights([np.zeros((3, len(answer))), answer])
    return Normaliser(localiser, grid_model)


def write_photographs(folder, count, size=(200, 240)):
    """Writes photographs of noise and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    paths = [folder / f"image_{number}.png" for number in range(count)]
    for path in paths:
        cv2.imwrite(str(path), rng.integers(0, 256, (*size, 3), np.uint8))
    return tuple(paths)


def mean_face_points(normaliser, landmark_set="ibug68"):
    """Labels `(68, 2)` that a normaliser which says nothing predicts from their own tight box."""
    (face,) = normaliser(np.zeros((200, 240, 3), np.uint8), [BOX])
    return face.landmarks(landmark_set).astype(float)


def labelled_faces(paths, points, landmark_set="ibug68", **others):
    """Faces with points `(n, L, 2)` of one set."""
    return LabelledFaces(paths, joint_landmarks(np.asarray(points), landmark_set), **others)
