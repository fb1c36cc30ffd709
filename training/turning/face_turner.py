"""Draws a photographed face in another pose."""

from dataclasses import dataclass

import cv2
import numpy as np

from keras_3dmmstn.inference.photograph import warp
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.head_pose import yaw_of_rotation
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, JAW_POINTS, LANDMARK_SET
from keras_3dmmstn.mesh.visibility.contour import outermost
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.completion import DOUBTFUL
from keras_3dmmstn.training.data.crops import STORED_SIZE, stored_matrix
from keras_3dmmstn.training.fitting.face_fit import FaceFit, FaceFitter
from keras_3dmmstn.training.turning.surroundings import surroundings
from keras_3dmmstn.training.turning.triangle_map import triangle_map

#: A point on the axis about which a head turns, in the model's frame, millimetres.
AXIS = np.array([0.0, 30.0, 60.0])
# Rows and columns of the mesh that is drawn.
_MESH_SIDE = 56
# The correction that moves the fitted points onto the labels: its reach in millimetres, and the
# variance of a label's error relative to that of the correction.
_CORRECTION_REACH, _CORRECTION_NOISE = 14.0, 0.15
# A point is hidden if the surface drawn there is nearer by this many millimetres.
_HIDDEN_DEPTH = 5.0
# Side of the cut-out from which colours are taken, in sides of the picture.
_SOURCE_SHARE = 1.5
_SUPERSAMPLING = 2


@dataclass(frozen=True)
class TurnedFace:
    """A face in a new pose.

    Attributes:
        image: `(size, size, 3)` uint8, framed as by `cut_faces`.
        landmarks: `(89, 3)` float32 in the order of `LANDMARK_SET`: x, y in pixels of the image,
            and confidence.
        yaw: towards image-right, radians.
    """

    image: np.ndarray
    landmarks: np.ndarray
    yaw: float


class FaceTurner:
    """Turns photographed faces out of the plane.

    The face model, fitted to the labels and shifted onto them, gives the photograph depth; head,
    neck and background are rings around it (`surroundings`). The photograph's colours are fixed to
    this relief, which is turned and redrawn.

    Args:
        model: has the landmarks of `LANDMARK_SET`.
        size: side of the pictures in pixels.

    Source:
        Zhu et al. 2016, "Face Alignment Across Large Poses: A 3D Solution", sec. 4.
    """

    def __init__(self, model: GridModel, size: int = STORED_SIZE):
        self.fitter = FaceFitter(model)
        self._size = size
        rows, columns = (
            np.linspace(0, side - 1, _MESH_SIDE).round().astype(int) for side in model.grid_shape
        )
        mesh = (rows[:, None] * model.grid_shape[1] + columns).ravel()
        landmarks = model.landmark_indices(LANDMARK_SET)
        vertices = np.concatenate([mesh, landmarks, self.fitter.jaw_lines.ravel()])
        self._parts = np.cumsum([len(mesh), len(landmarks)])
        self._mean = model.mean[vertices].astype(float)
        self._basis = model.basis[:, vertices].astype(float)
        self._triangles = grid_triangles(_MESH_SIDE)

    def turn(
        self,
        photograph: np.ndarray,
        landmarks: np.ndarray,
        fit: FaceFit,
        yaw: float,
        pitch: float = 0.0,
    ) -> TurnedFace:
        """Draws a face in a new pose.

        Args:
            photograph: `(height, width, 3)` uint8.
            landmarks: `(89, 3)` labels in its pixels.
            fit: the model's fit to them.
            yaw: how far to turn towards image-right about the head's own axis, radians.
            pitch: how far to raise the chin, radians.
        """
        posed = self._posed(fit, landmarks)
        rotation = _turned_rotation(fit.rotation, yaw, pitch)
        turn, axis = rotation @ fit.rotation.T, fit.rotation @ AXIS
        turned = (posed - axis) @ turn.T + axis
        points = self._points(turned, rotation)

        photographed = fit.scale * self._points(posed, fit.rotation)[:IBUG68_COUNT, :2] + fit.shift
        matrix, source = self._source(photograph, framing.tight_box(photographed))
        to_source = np.column_stack(
            [matrix[:, :2] * fit.scale, matrix[:, :2] @ fit.shift + matrix[:, 2]]
        )
        to_picture = stored_matrix(framing.tight_box(points[:IBUG68_COUNT, :2]), self._size)
        mesh = slice(self._parts[0])
        around = surroundings(
            posed[mesh], axis, turn, to_source, to_picture, (len(source), self._size)
        )
        drawn = self._drawn(around, posed[mesh], turned[mesh], to_source, to_picture)

        places = framing.apply_similarity(to_picture, points[:, :2])
        confidence = _confidence(drawn, places, points[:, 2], landmarks[:IBUG68_COUNT, 2] > 0)
        return TurnedFace(
            self._coloured(drawn, source),
            np.column_stack([places, confidence]).astype(np.float32),
            float(yaw_of_rotation(rotation)),
        )

    def _drawn(self, around, posed, turned, to_source, to_picture):
        """Draws the turned face `(N, 3)` and its surroundings into a map to the cut-out."""
        return triangle_map(
            np.concatenate([around.after, framing.apply_similarity(to_picture, turned[:, :2])]),
            np.concatenate([around.before, framing.apply_similarity(to_source, posed[:, :2])]),
            np.concatenate([around.depth, turned[:, 2]]),
            np.concatenate([around.triangles, self._triangles + len(around.depth)]),
            behind=len(around.triangles),
            size=self._size,
            supersampling=_SUPERSAMPLING,
        )

    def _coloured(self, drawn, source):
        """Returns the picture `(size, size, 3)` that a map makes from the cut-out."""
        texture_x, texture_y = drawn.texture
        image = cv2.remap(source, texture_x, texture_y, cv2.INTER_LINEAR)
        return cv2.resize(image, (self._size, self._size), interpolation=cv2.INTER_AREA)

    def _posed(self, fit, landmarks):
        """Returns mesh, landmarks and jaw lines as the camera sees them, `(P, 3)` millimetres.

        In the image plane they are shifted so that fitted points lie near their labels; the shift
        fades with the distance from the points.
        """
        posed = (self._mean + np.tensordot(fit.coefficients, self._basis, 1)) @ fit.rotation.T
        known = landmarks[:, 2] > 0
        model, vertices = self.fitter.model, fit.vertices[known]
        shape = model.mean[vertices] + np.tensordot(
            fit.coefficients, model.basis[:, vertices].astype(float), 1
        )
        errors = (landmarks[known, :2] - fit.project(shape)) / fit.scale
        places = model.mean[vertices].astype(float)
        gram = _kernel(places, places) + _CORRECTION_NOISE * np.eye(len(places))
        posed[:, :2] += _kernel(self._mean, places) @ np.linalg.solve(gram, errors)
        return posed

    def _points(self, turned, rotation):
        """Returns the landmarks `(89, 3)` of a turned face, the jaw on its contour."""
        points, lines = turned[self._parts[0] : self._parts[1]].copy(), turned[self._parts[1] :]
        lines = lines.reshape(JAW_POINTS, -1, 3)
        chosen = outermost(lines[..., :2], self.fitter.jaw_directions, rotation)
        points[:JAW_POINTS] = lines[np.arange(JAW_POINTS), chosen]
        return points

    def _source(self, photograph, box):
        """Returns the cut-out for the colours, and the matrix to it from the photograph.

        The crop that `cut_faces` stores is in its middle.
        """
        size = round(self._size * _SOURCE_SHARE)
        matrix = stored_matrix(box, self._size)
        matrix[:, 2] += (size - self._size) / 2
        return matrix, warp(photograph, matrix, size)


def _turned_rotation(rotation, yaw, pitch):
    """Returns a pose turned about the head's own axis and then nodded, `(3, 3)`."""
    about_neck = cv2.Rodrigues(np.array([0.0, -yaw, 0.0]))[0]
    return cv2.Rodrigues(np.array([-pitch, 0.0, 0.0]))[0] @ rotation @ about_neck


def grid_triangles(side: int) -> np.ndarray:
    """Returns two triangles for each cell of a square grid, counter-clockwise from outside."""
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return np.stack([a, c, d, a, d, b], axis=-1).reshape(-1, 3)


def _confidence(drawn, places, depth, labelled):
    """Returns the confidence of points `(89,)`: hidden, doubtful or sure."""
    surface = drawn.depth_at(places)
    surface[:JAW_POINTS] = drawn.depth_at(places[:JAW_POINTS], reach=1)  # they lie on an edge
    hidden = surface < depth - _HIDDEN_DEPTH
    confidence = np.where(hidden, 0.0, 1.0)
    confidence[:IBUG68_COUNT] = np.where(hidden[:IBUG68_COUNT] | ~labelled, DOUBTFUL, 1.0)
    return confidence


def _kernel(a, b):
    """Returns exp(−|a − b|² / 2 reach²) for points `(A, 3)` and `(B, 3)`, `(A, B)`."""
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.exp(-squared / (2 * _CORRECTION_REACH**2))
