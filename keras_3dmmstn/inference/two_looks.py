"""Faces seen twice: the second time upright, framed by the landmarks that were seen first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from keras_3dmmstn.inference.fitted_faces import FittedFaces
from keras_3dmmstn.inference.looking import FacesInPhotographs
from keras_3dmmstn.network import framing

if TYPE_CHECKING:
    from keras_3dmmstn.inference.face_fitter import FaceFitter

# In the mean of both looks the second, which is framed better, counts so much.
_SECOND = 0.6
# If they differ by more, in radians, the first did not see the face, and the second counts alone.
_APART = 0.5
# Landmarks that span less, in pixels of the crop, are those of no face: it is seen as before.
_SMALLEST = 1.0


def seen_twice(
    faces: FacesInPhotographs,
    images: Sequence[np.ndarray],
    fitted: FittedFaces,
    fitter: "FaceFitter",
    averaged: bool = True,
) -> tuple[FacesInPhotographs, FittedFaces]:
    """Looks at faces once more, and returns them with what both looks say of them.

    A box is never quite that of the landmarks, and a network's errors depend on how a face lies in
    the crop. So the mean of two looks is closer to the face than each of them, and depends less on
    the box.

    Args:
        faces: where they were looked at. Those whose box is unsure get that of their landmarks.
        images: their photographs.
        fitted: what the first look said.
        fitter: of them, with `ibug68`.
        averaged: False for a perspective camera, whose θ belongs to its crop: then only faces whose
            box is unsure are seen again, and the second look counts alone.
    """
    landmarks = fitted.landmarks("ibug68").astype(float)
    between = _to_second_crops(landmarks, fitted.rotations, fitter.image_size)
    unsure = np.flatnonzero(faces.unsure)
    boxes = faces.boxes.copy()
    in_photographs = framing.points_in_photograph(landmarks[unsure], faces.matrices[unsure])
    boxes[unsure] = np.reshape([framing.tight_box(face) for face in in_photographs], (-1, 4))
    framed = replace(faces, boxes=boxes)
    again = replace(framed, matrices=framing.joined(faces.matrices, between))
    if averaged:
        crops = again.crops(images, fitter.image_size)
        return framed, _mean(fitted, *fitter.parameters(crops), between, fitter)
    if not len(unsure):
        return faces, fitted
    matrices = np.where(faces.unsure[:, None, None], again.matrices, faces.matrices)
    again = replace(framed, matrices=matrices)
    return again, fitter.fit(again.crops(images, fitter.image_size))


def _to_second_crops(landmarks, rotations, size):
    """Returns the similarities `(n, 2, 3)` from crops to those in which faces are upright."""
    down = rotations[:, :2, 1].astype(float)  # where the chins point
    rolls = np.arctan2(-down[:, 0], down[:, 1])
    matrices = np.tile(np.eye(2, 3), (len(landmarks), 1, 1))
    for number, (face, roll) in enumerate(zip(landmarks, rolls, strict=True)):
        turn = matrices[number].copy()
        turn[:, :2] = [[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]
        box = framing.tight_box(framing.apply_similarity(turn, face))
        if (box[2:] - box[:2]).max() >= _SMALLEST:
            matrix = framing.crop_matrix(box, size)
            matrices[number] = framing.joined(turn[None], matrix[None])[0]
    return matrices


def _mean(first, parameters, confidence, between, fitter):
    """Returns the fitted faces of two looks, in the crops of the first."""
    second = framing.parameters_in_photograph(parameters, between)
    mean = (1 - _SECOND) * first.parameters + _SECOND * second
    turns = [Rotation.from_rotvec(look[:, :3].astype(float)) for look in (first.parameters, second)]
    apart = (turns[0].inv() * turns[1]).as_rotvec()
    mean[:, :3] = (turns[0] * Rotation.from_rotvec(_SECOND * apart)).as_rotvec()
    alone = np.linalg.norm(apart, axis=1) > _APART
    mean[alone] = second[alone]
    if confidence is not None and first.confidence is not None:
        both = (1 - _SECOND) * first.confidence + _SECOND * confidence
        confidence = np.where(alone, confidence, both)
    return fitter.fit_parameters(mean.astype(np.float32), confidence)
