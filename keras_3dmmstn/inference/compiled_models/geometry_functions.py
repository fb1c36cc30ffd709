"""The network's grid generator and its mask as compiled functions; this needs TensorFlow."""

import keras
import tensorflow as tf

from keras_3dmmstn.inference.compiled_function import CompiledFunction
from keras_3dmmstn.layers import ApparentLandmarkSelection
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.grid_generator import grid_generator, landmark_selection
from keras_3dmmstn.network.sampler import self_occlusion
from keras_3dmmstn.ops.parameters import POSE_SIZE


class GeometryFunctions:
    """The functions of `FaceGeometry`, made from the network's own layers.

    Args:
        grid_model, image_size, visibility, focal_length: as for `FaceGeometry`.

    Raises:
        ValueError: if `visibility` is unknown or `focal_length` is not positive.
    """

    def __init__(
        self, grid_model: GridModel, image_size: int, visibility: str, focal_length: float | None
    ):
        self._grid_model = grid_model
        self._theta = keras.Input((POSE_SIZE + grid_model.modes,), dtype="float32")
        face = grid_generator(self._theta, grid_model, image_size, None, focal_length=focal_length)
        self._face = face.vertices, face.rotation, face.points, face.seen
        self._seen = [
            keras.Input(tensor.shape[1:], dtype="float32") for tensor in (face.seen, face.rotation)
        ]
        seen, rotation = self._seen
        self._occlusion = self_occlusion(seen, rotation, grid_model, visibility)

    def generate(self) -> CompiledFunction:
        """From θ to a `PosedFace`, and the vertices of `ibug68` if its jaw moves with the pose."""
        generator = keras.Model(self._theta, self._face, name="grid_generator")
        jaw = None
        if "ibug68" in self._grid_model.landmarks:
            jaw = landmark_selection(self._grid_model, "ibug68")

        def generate(parameters):
            vertices, rotation, points, seen = generator(parameters)
            face = vertices, rotation, points, tf.identity(seen)
            if isinstance(jaw, ApparentLandmarkSelection):
                return *face, jaw.vertices(points, rotation)
            return face

        return CompiledFunction(generate, [self._theta.shape[1:]])

    def mask(self) -> CompiledFunction:
        """From the vertices as they hide one another, and their rotation, to a mask."""
        mask = keras.Model(self._seen, self._occlusion)
        return CompiledFunction(
            lambda *seen: (mask(list(seen)),), [tensor.shape[1:] for tensor in self._seen]
        )
