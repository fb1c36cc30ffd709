"""A face as a camera saw it."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from keras_3dmmstn.mesh import GridModel


@dataclass(frozen=True, eq=False)
class PhotographedFace:
    """A fitted face, and the part of the photograph that it was fitted to.

    Attributes:
        grid_model: the face model, with N vertices.
        photograph: the part.
        points: `(N, 2)` float32, the vertices in pixels of the photograph.
        posed: `(N, 3)` float32, the vertices turned as in the photograph, millimetres.
        towards_camera: `(N, 3)` unit vectors from the vertices to the camera, in the same frame.
        scale: pixels of the photograph per millimetre.
        shown: `(H', W')` float32, how far each vertex may show the photograph, if that is known;
            None if it follows from the pose, see `opacity`.
    """

    grid_model: GridModel
    photograph: PhotographPart
    points: np.ndarray
    posed: np.ndarray
    towards_camera: np.ndarray
    scale: float
    shown: np.ndarray | None = None

    @classmethod
    def fitted(
        cls,
        grid_model: GridModel,
        photograph: PhotographPart,
        points: np.ndarray,
        vertices: np.ndarray,
        parameters: Mapping[str, np.ndarray],
    ) -> "PhotographedFace":
        """Poses a face's vertices `(N, 3)` by its parameters, as in `NormalisedFace`."""
        scale = float(np.exp(parameters["log_scale"]))
        posed = vertices @ cv2.Rodrigues(np.asarray(parameters["rotation"], float))[0].T
        away = np.array([[0.0, 0.0, 1.0]])
        if "focal_length" in parameters:
            # The face's origin is f / s in front of the camera, and appears at t.
            sideways = parameters["translation"] - parameters["principal_point"]
            away = posed + np.append(sideways, parameters["focal_length"]) / scale
        towards = -away / np.linalg.norm(away, axis=1, keepdims=True)
        towards = np.broadcast_to(towards, posed.shape)
        return cls(grid_model, photograph, points, posed, towards, scale)
