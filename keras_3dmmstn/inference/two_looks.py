"""Faces seen twice: the second time upright, framed by the landmarks that were seen first."""

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

# In the mean of both looks the second, which is framed better, counts so much.
_SECOND = 0.6
# If they differ by more, in radians, the first did not see the face, and the second counts alone.
_APART = 0.5
# Landmarks that span less, in pixels of the crop, or lie further away, in its sides, are no face's:
# it is seen as before, and its box stays as it is.
_SMALLEST, _FURTHEST = 1.0, 100.0


def mean_of_two_looks(
    faces: FacesInPhotographs,
    images: Sequence[np.ndarray],
    fitter: "FaceFitter",
    landmarks: LandmarkGeometry,
) -> tuple[FacesInPhotographs, FittedFaces]:
    """Looks at faces twice, and fits the mean of what both looks say.

    A box is never quite that of the landmarks, and a network's errors depend on how a face lies in
    the crop. So the mean of two looks is closer to the face than each of them, and depends less on
    the box.

    Args:
        faces: where they are looked at first.
        images: their photographs.
        fitter: of them, with `ibug68` and an orthographic camera.
        landmarks: of θ.

    Returns:
        The faces, those whose box was unsure with that of the first look's landmarks; and what is
        fitted, in pixels of the first crops.

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
    """Looks at faces, and at those whose box is unsure once more; then the second look counts.

    For a perspective camera, whose θ belongs to its crop.

    Args:
        faces, images: as of `mean_of_two_looks`.
        fitter: of them, with `ibug68`.

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
    """Returns the similarities `(n, 2, 3)` from crops to those in which faces are upright."""
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
    """Returns which landmarks `(n, 68, 2)` may be those of a face in a crop, `(n,)` bool."""
    low, high = landmarks.min(axis=1), landmarks.max(axis=1)
    near = (low >= -_FURTHEST * size).all(axis=1) & (high <= _FURTHEST * size).all(axis=1)
    near[near] = (high[near] - low[near]).max(axis=1) >= _SMALLEST
    return near


def _with_sure_boxes(faces, landmarks, size):
    """Returns faces, those whose box is unsure with that of their landmarks `(n, 68, 2)`."""
    unsure = np.flatnonzero(faces.unsure & _are_of_faces(landmarks, size))
    if not len(unsure):
        return faces
    boxes = faces.boxes.copy()
    seen = framing.points_in_photograph(landmarks[unsure], faces.matrices[unsure])
    boxes[unsure] = [framing.tight_box(face) for face in seen]
    return replace(faces, boxes=boxes)


def _mean_of(first, second, alone, check):
    """Returns the mean of what two looks say, `(n, ...)`; None if they do not say it."""
    if first is None or second is None:
        return first
    check(np.stack([first, second]))
    return np.where(alone, second, (1 - _SECOND) * first + _SECOND * second)


def _mean(first, second):
    """Returns the mean of two looks, θ `(n, 6 + D)`, and of which the second counts alone."""
    mean = (1 - _SECOND) * first.astype(float) + _SECOND * second
    turn = Rotation.from_rotvec(first[:, :3].astype(float))
    apart = (turn.inv() * Rotation.from_rotvec(second[:, :3].astype(float))).as_rotvec()
    mean[:, :3] = (turn * Rotation.from_rotvec(_SECOND * apart)).as_rotvec()
    alone = np.linalg.norm(apart, axis=1) > _APART
    mean[alone] = second[alone]
    return mean, alone
