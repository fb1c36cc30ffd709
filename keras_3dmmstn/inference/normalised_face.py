"""What is known of one face after it was normalised."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops


@dataclass(frozen=True, eq=False)
class NormalisedFace:
    """What the network says of one face.

    Attributes:
        texture: `(S, S, 3)` uint8 RGB, the pose-normalised texture, black where `mask` is False. S
            is the normaliser's `texture_size`; without one the texture is `(H', W', 3)`, a texel
            for each vertex of the face model's grid.
        mask: `(S, S)` bool: the viewer sees this place of the face, and it lies in the photograph.
        vertices: `(H'·W', 3)` float32, the fitted face in its own frame, millimetres: x right,
            y down, z away from the viewer.
        points: `(H'·W', 2)` float32, the vertices in pixels of the photograph.
        visible: `(H'·W',)` bool: the viewer sees the vertex, and it lies in the photograph.
        grid_shape: (H', W'), the rows and columns that the vertices form.
        parameters: `rotation` (3,) axis-angle in radians, `translation` (2,) in pixels and
            `log_scale` (pixels per millimetre) of the photograph, `identity` and `expression` in
            standard deviations. Of a perspective camera also `focal_length` (1,) and
            `principal_point` (2,), in pixels of the photograph.
        box: `(4,)` x0, y0, x1, y1 in pixels: the box the face was looked for in.
        landmark_indices: set name to the vertices of its landmarks, those of `ibug68` with the
            jaw on the apparent contour.
    """

    texture: np.ndarray
    mask: np.ndarray
    vertices: np.ndarray
    points: np.ndarray
    visible: np.ndarray
    grid_shape: tuple[int, int]
    parameters: dict[str, np.ndarray]
    box: np.ndarray
    landmark_indices: dict[str, np.ndarray]

    def landmarks(self, name: str = "ibug68") -> np.ndarray:
        """Returns a landmark set, `(L, 2)` x, y in pixels of the photograph.

        The jaw points of `ibug68` lie on the contour that the turned face shows, where people
        label them, so they are not the same vertices in every pose.

        Raises:
            KeyError: if the face model has no such set.
        """
        if name not in self.landmark_indices:
            known = ", ".join(map(repr, self.landmark_indices)) or "none"
            raise KeyError(f"Expected one of the landmark sets {known}, received {name!r}.")
        return self.points[self.landmark_indices[name]]

    @property
    def rotation_matrix(self) -> np.ndarray:
        """The pose as a `(3, 3)` rotation that acts on columns."""
        return ops.axis_angle_to_matrix(tf.constant(self.parameters["rotation"])).numpy()
