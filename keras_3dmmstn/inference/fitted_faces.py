"""The face model fitted to crops: the network's grid generator, compiled for inference."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

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
    """

    parameters: np.ndarray
    vertices: np.ndarray
    rotations: np.ndarray
    points: np.ndarray
    seen: np.ndarray
    landmark_indices: dict[str, np.ndarray]

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
        theta = keras.Input((POSE_SIZE + grid_model.modes,), name="parameters")
        face = grid_generator(theta, grid_model, image_size, None, focal_length=focal_length)
        posed = {name: value for name, value in face._asdict().items() if value is not None}
        self._generator = keras.Model(theta, posed, name="grid_generator")
        seen, rotation = (keras.Input(tensor.shape[1:]) for tensor in (face.seen, face.rotation))
        mask = self_occlusion(seen, rotation, grid_model, visibility)
        self._jaw = None
        if "ibug68" in grid_model.landmarks:
            self._jaw = landmark_selection(grid_model, "ibug68")
        float32 = {"dtype": tf.float32}
        self._generate = tf.function(
            self._posed, input_signature=[tf.TensorSpec(theta.shape, **float32)]
        )
        self._mask = tf.function(
            keras.Model([seen, rotation], mask),
            input_signature=[[tf.TensorSpec(x.shape, **float32) for x in (seen, rotation)]],
        )

    def _posed(self, parameters):
        """Returns what `PosedFace` has of θ `(n, 6 + D)`, and which vertices make `ibug68`."""
        face = self._generator(parameters)
        if isinstance(self._jaw, ApparentLandmarkSelection):
            face["ibug68"] = self._jaw.vertices(face["points"], face["rotation"])
        return face

    def fit(self, parameters: np.ndarray) -> FittedFaces:
        """Returns the faces of θ `(n, 6 + D)`, with t and log s in pixels of the crops."""
        face = {
            name: value.numpy()
            for name, value in self._generate(tf.constant(parameters, tf.float32)).items()
        }
        indices = {
            name: face.get(name, np.broadcast_to(index, (len(parameters), len(index))))
            for name, index in self.grid_model.landmarks.items()
        }
        return FittedFaces(
            parameters, face["vertices"], face["rotation"], face["points"], face["seen"], indices
        )

    def visible(self, faces: FittedFaces) -> np.ndarray:
        """Returns the masks of faces, `(n, H', W')` bool."""
        mask = self._mask([tf.constant(faces.seen), tf.constant(faces.rotations)])
        return mask.numpy()[..., 0] > 0
