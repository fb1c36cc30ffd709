"""The error of a normaliser on labelled photographs."""

import numpy as np

from keras_3dmmstn.framing import tight_box
from keras_3dmmstn.normaliser import Normaliser
from keras_3dmmstn.photograph import read_photograph
from keras_3dmmstn.training.faces import LabelledFaces


def landmark_errors(normaliser: Normaliser, faces: LabelledFaces, progress=iter) -> np.ndarray:
    """Measures the distance of each landmark from its label, faces framed by their labels.

    Args:
        normaliser: what is measured.
        faces: photographs with `ibug68` labels.
        progress: called on the sequence of faces that is iterated over, to show progress.

    Returns:
        `(faces, 68)` distances divided by sqrt(w·h) of the tight box of the labelled points; NaN
        where a point has no label.

    Raises:
        ValueError: if the face model has no `ibug68` landmarks.
    """
    if "ibug68" not in normaliser.grid_model.landmarks:
        known = ", ".join(normaliser.grid_model.landmarks) or "none"
        raise ValueError(f"Expected a face model with landmarks ibug68, received one with {known}.")
    errors = np.full(faces.landmarks.shape[:2], np.nan)
    for index in progress(range(len(faces))):
        known = faces.landmarks[index, :, 2] > 0
        labels = faces.landmarks[index, :, :2]
        box = tight_box(labels[known])
        (face,) = normaliser(read_photograph(faces.paths[index]), [box])
        distance = np.linalg.norm(face.landmarks("ibug68") - labels, axis=1)
        size = np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
        errors[index, known] = distance[known] / size
    return errors
