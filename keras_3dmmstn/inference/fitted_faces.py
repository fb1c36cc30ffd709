"""The face model fitted to crops: the network's grid generator, compiled for inference."""

import functools
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.inference.compiled_function import CompiledFunction
from keras_3dmmstn.layers import ApparentLandmarkSelection
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.grid_generator import grid_generator, landmark_selection
from keras_3dmmstn.network.sampler import self_occlusion
from keras_3dmmstn.ops.parameters import POSE_SIZE


@dataclass(frozen=True, eq=False)
class FittedFaces:
    """What θ says of n faces, in pixels of the crops that the network sees.

    Attributes:
        parameters: `(n, 6 + D)` float32 θ.
        vertices: `(n, N, 3)` float32, the faces in their own frame, millimetres.
        rotations: `(n, 3, 3)` float32, their pose.
        points: `(n, N, 2)` float32, the vertices in pixels of the crops.
        seen: `(n, N, 3)` float32, the vertices as they hide one another along z.
        landmark_indices: set name to the vertices `(n, L)` of its landmarks, those of `ibug68` with
            the jaw on the apparent contour.
        confidence: `(n,)` float32 in 0..1, how sure the network is; None if it does not say.
    """

    parameters: np.ndarray
    vertices: np.ndarray
    rotations: np.ndarray
    points: np.ndarray
    seen: np.ndarray
    landmark_indices: dict[str, np.ndarray]
    confidence: np.ndarray | None = None

    def __len__(self):
        return len(self.parameters)

    def landmarks(self, name: str) -> np.ndarray:
        """Returns a landmark set, `(n, L, 2)` x, y in pixels of the crops."""
        return np.take_along_axis(self.points, self.landmark_indices[name][..., None], axis=1)


class FaceGeometry:
    """From θ to the faces and their masks, by the network's own layers.

    Args:
        grid_model: the face model.
        image_size: side of the network's image in pixels.
        visibility, focal_length: as of `spatial_transformer`.

    Raises:
        ValueError: if `visibility` is unknown or `focal_length` is not positive.
    """

    def __init__(
        self, grid_model: GridModel, image_size: int, visibility: str, focal_length: float | None
    ):
        self.grid_model = grid_model
        self._theta = keras.Input((POSE_SIZE + grid_model.modes,), dtype="float32")
        face = grid_generator(self._theta, grid_model, image_size, None, focal_length=focal_length)
        self._face = face.vertices, face.rotation, face.points, face.seen
        self._seen = [
            keras.Input(tensor.shape[1:], dtype="float32") for tensor in (face.seen, face.rotation)
        ]
        seen, rotation = self._seen
        self._occlusion = self_occlusion(seen, rotation, grid_model, visibility)

    @functools.cached_property
    def _generate(self):
        """θ to a `PosedFace`, and the vertices of `ibug68` if its jaw moves with the pose."""
        generator = keras.Model(self._theta, self._face, name="grid_generator")
        jaw = None
        if "ibug68" in self.grid_model.landmarks:
            jaw = landmark_selection(self.grid_model, "ibug68")

        def generate(parameters):
            vertices, rotation, points, seen = generator(parameters)
            face = vertices, rotation, points, tf.identity(seen)
            if isinstance(jaw, ApparentLandmarkSelection):
                return *face, jaw.vertices(points, rotation)
            return face

        return CompiledFunction(generate, [self._theta.shape[1:]])

    @functools.cached_property
    def _mask(self):
        """The vertices as they hide one another, and their rotation, to a mask."""
        mask = keras.Model(self._seen, self._occlusion)
        return CompiledFunction(
            lambda *seen: (mask(list(seen)),), [tensor.shape[1:] for tensor in self._seen]
        )

    def __getstate__(self):
        return {"grid_model": self.grid_model, "_generate": self._generate, "_mask": self._mask}

    def fit(self, parameters: np.ndarray, confidence: np.ndarray | None = None) -> FittedFaces:
        """Returns the faces of θ `(n, 6 + D)`, with t and log s in pixels of the crops.

        Args:
            parameters: θ.
            confidence: `(n,)` that is kept with the faces.
        """
        vertices, rotations, points, seen, *jaw = self._generate(parameters)
        indices = {
            name: np.broadcast_to(index, (len(parameters), len(index)))
            for name, index in self.grid_model.landmarks.items()
        }
        if jaw:
            indices["ibug68"] = jaw[0]
        return FittedFaces(parameters, vertices, rotations, points, seen, indices, confidence)

    def visible(self, faces: FittedFaces) -> np.ndarray:
        """Returns the masks of faces, `(n, H', W')` bool."""
        (mask,) = self._mask(faces.seen, faces.rotations)
        return mask[..., 0] > 0
