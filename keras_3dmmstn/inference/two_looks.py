"""Faces seen twice: the second time upright, framed by the landmarks of the first look."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from keras_3dmmstn.inference.description import check_confidence, check_numbers, check_spread
from keras_3dmmstn.inference.fitted_faces import FittedFaces
from keras_3dmmstn.inference.landmark_geometry import LandmarkGeometry
from keras_3dmmstn.inference.looking import FacesInPhotographs
from keras_3dmmstn.network import framing
from keras_3dmmstn.network.localiser_answers import Answers

if TYPE_CHECKING:
    from keras_3dmmstn.inference.face_fitter import FaceFitter

# Weight of the second look, which is framed better, in the mean of both.
_SECOND = 0.6
# If they differ by more, in radians, the first missed the face, and only the second is used.
_APART = 0.5
# Landmarks that span less, in pixels of the crop, or lie further away, in its sides, are not those
# of a face: the second look has the same crop, and the box stays as it is.
_SMALLEST, _FURTHEST = 1.0, 100.0


def mean_of_two_looks(
    faces: FacesInPhotographs,
    images: Sequence[np.ndarray],
    fitter: "FaceFitter",
    landmarks: LandmarkGeometry,
) -> tuple[FacesInPhotographs, FittedFaces]:
    """Looks at faces twice, and fits the mean of both results.

    A box is never exactly that of the landmarks, and a network's errors depend on how a face lies
    in the crop. The mean of two looks is therefore closer to the face than either of them, and
    depends less on the box.

    Args:
        faces: the faces, framed for the first look.
        images: their photographs.
        fitter: the fitter, with `ibug68` and an orthographic camera.
        landmarks: computes landmarks from θ.

    Returns:
        The faces, with unsure boxes replaced by those of the first look's landmarks; and the fits,
        in pixels of the first crops.

    Raises:
        ValueError: if the network's numbers describe no face.
    """
    size = fitter.image_size
    first = fitter.answers(faces.crops(images, size))
    with np.errstate(over="ignore", invalid="ignore"):  # the fit refuses what is too large
        places = landmarks(check_numbers(first.parameters))
    between = _to_second_crops(places, first.parameters, size)
    again = replace(faces, matrices=framing.joined(faces.matrices, between))
    second = fitter.answers(again.crops(images, size))
    moved = framing.parameters_in_photograph(check_numbers(second.parameters), between)
    mean, alone = _mean(first.parameters, moved)
    fitted = fitter.fit_answers(
        Answers(
            mean.astype(np.float32),
            _mean_of(first.confidence, second.confidence, alone, check_confidence),
            _mean_of(first.spread, second.spread, alone[:, None], check_spread),
        )
    )
    return _with_sure_boxes(faces, places, size), fitted


def second_look(
    faces: FacesInPhotographs, images: Sequence[np.ndarray], fitter: "FaceFitter"
) -> tuple[FacesInPhotographs, FittedFaces]:
    """Looks at faces, and again at those whose box is unsure; the second look replaces the first.

    For a perspective camera, whose θ is tied to its crop.

    Args:
        faces, images: as for `mean_of_two_looks`.
        fitter: the fitter, with `ibug68`.

    Raises:
        ValueError: if the network's numbers describe no face.
    """
    size = fitter.image_size
    fitted = fitter.fit(faces.crops(images, size))
    if not faces.unsure.any():
        return faces, fitted
    places = fitted.landmarks("ibug68").astype(float)
    between = _to_second_crops(places, fitted.parameters, size)
    between[~faces.unsure] = np.eye(2, 3)
    framed = _with_sure_boxes(faces, places, size)
    again = replace(framed, matrices=framing.joined(faces.matrices, between))
    return again, fitter.fit(again.crops(images, size))


def _to_second_crops(landmarks, parameters, size):
    """Returns the similarities `(n, 2, 3)` from crops to ones in which the faces are upright."""
    turned = Rotation.from_rotvec(parameters[:, :3].astype(float)).as_matrix()
    rolls = np.arctan2(-turned[:, 0, 1], turned[:, 1, 1])  # where the chins point
    matrices = np.tile(np.eye(2, 3), (len(landmarks), 1, 1))
    for number in np.flatnonzero(_are_of_faces(landmarks, size)):
        cos, sin = np.cos(rolls[number]), np.sin(rolls[number])
        upright = np.array([[cos, sin], [-sin, cos]])
        matrix = framing.crop_matrix(framing.tight_box(landmarks[number] @ upright.T), size)
        matrices[number] = np.column_stack([matrix[:, :2] @ upright, matrix[:, 2]])
    return matrices


def _are_of_faces(landmarks, size):
    """Returns which landmarks `(n, 68, 2)` could be those of a face in a crop, `(n,)` bool."""
    low, high = landmarks.min(axis=1), landmarks.max(axis=1)
    near = (low >= -_FURTHEST * size).all(axis=1) & (high <= _FURTHEST * size).all(axis=1)
    near[near] = (high[near] - low[near]).max(axis=1) >= _SMALLEST
    return near


def _with_sure_boxes(faces, landmarks, size):
    """Returns faces with unsure boxes replaced by those of their landmarks `(n, 68, 2)`."""
    unsure = np.flatnonzero(faces.unsure & _are_of_faces(landmarks, size))
    if not len(unsure):
        return faces
    boxes = faces.boxes.copy()
    seen = framing.points_in_photograph(landmarks[unsure], faces.matrices[unsure])
    boxes[unsure] = [framing.tight_box(face) for face in seen]
    return replace(faces, boxes=boxes)


def _mean_of(first, second, alone, check):
    """Returns the mean of an output of two looks, `(n, ...)`; None if they do not have it."""
    if first is None or second is None:
        return first
    check(np.stack([first, second]))
    return np.where(alone, second, (1 - _SECOND) * first + _SECOND * second)


def _mean(first, second):
    """Returns the mean θ `(n, 6 + D)` of two looks, and for which faces only the second counts."""
    mean = (1 - _SECOND) * first.astype(float) + _SECOND * second
    turn = Rotation.from_rotvec(first[:, :3].astype(float))
    apart = (turn.inv() * Rotation.from_rotvec(second[:, :3].astype(float))).as_rotvec()
    mean[:, :3] = (turn * Rotation.from_rotvec(_SECOND * apart)).as_rotvec()
    alone = np.linalg.norm(apart, axis=1) > _APART
    mean[alone] = second[alone]
    return mean, alone
