"""The movement of a face in a video, as a glTF animation."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from keras_3dmmstn.inference.meshes.face_mesh import blend_shape_weights
from keras_3dmmstn.mesh import GridModel


@dataclass(frozen=True, eq=False)
class FaceAnimation:
    """Keys of an animation: x right, y up, z towards the viewer, millimetres.

    Attributes:
        times: `(F,)` seconds, increasing.
        rotations: `(F, 4)` unit quaternions x, y, z, w.
        translations: `(F, 3)`, the positions of the face's origin.
        scales: `(F,)`, the scale of the face.
        weights: `(F, K)`, the weights of the blend shapes.
    """

    times: np.ndarray
    rotations: np.ndarray
    translations: np.ndarray
    scales: np.ndarray
    weights: np.ndarray

    @classmethod
    def of_parameters(
        cls, times: np.ndarray, parameters: np.ndarray, grid_model: GridModel, middle: np.ndarray
    ) -> "FaceAnimation":
        """Makes the animation of a face from its θ in each frame.

        The projection has no depth: a face that comes nearer grows. Seen from straight ahead
        without perspective, the animation therefore matches the video: a millimetre is
        exp(mean log s) pixels, and the origin is the middle of the picture.

        Args:
            times: `(F,)`, those of the frames in seconds.
            parameters: `(F, 6 + D)` θ in pixels of the frames.
            grid_model: the face model of θ.
            middle: `(2,)` x, y of the middle of the frames in pixels.
        """
        flip = Rotation.from_rotvec([np.pi, 0, 0])
        turns = (flip * Rotation.from_rotvec(parameters[:, :3]) * flip.inv()).as_quat()
        # A quaternion and its negative are the same rotation: use the one nearer the previous key.
        flips = np.cumprod(np.sign((turns[1:] * turns[:-1]).sum(axis=1)) + 0.0)
        turns[1:] *= np.where(flips < 0, -1.0, 1.0)[:, None]
        expressions = parameters[:, 6 + grid_model.identity_count :]
        log_scales = parameters[:, 5].astype(float)
        usual = float(log_scales.mean())
        places = np.zeros((len(times), 3))
        places[:, :2] = (parameters[:, 3:5] - middle) * (1, -1) / np.exp(usual)
        return cls(
            np.asarray(times, float) - float(times[0]),
            turns,
            places,
            np.exp(log_scales - usual),
            np.array([list(blend_shape_weights(grid_model, e).values()) for e in expressions]),
        )
