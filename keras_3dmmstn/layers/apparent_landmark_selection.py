"""The landmark selection layer for labels on the apparent contour."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.ops import contour, projection


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class ApparentLandmarkSelection(keras.layers.Layer):
    """Selects landmarks, the first ones on the visible contour of the turned face.

    `LandmarkSelection` takes fixed vertices. Labels of the jaw line, however, lie on the apparent
    contour, which moves over the cheek when the head turns. Here each of those points is chosen
    from several vertices, as the one that lies furthest outward in the image.

    Args:
        indices: the vertex of each landmark, a sequence of integers of at least 0.
        lines: `(contour points, K)`: the vertices from which the first landmarks are chosen, in
            place of their `indices`. See `mesh.contour_lines`.
        directions: `(contour points, 2)`: the outward direction of each, x and y in the unturned
            face.

    Call arguments:
        points: `(batch, N, 2)` tensor, the projected vertices.
        rotation: `(batch, 3, 3)` tensor, which turns the directions with the face.

    Returns:
        `(batch, len(indices), 2)` tensor.

    Raises:
        ValueError: if the arguments do not match or refer to a point that does not exist.

    Example:

    >>> points = np.array([[[0.0, 0.0], [3.0, 0.0], [5.0, 0.0], [9.0, 9.0]]])
    >>> selection = ApparentLandmarkSelection([0, 3], lines=[[0, 1, 2]], directions=[[1.0, 0.0]])
    >>> selection(points, np.eye(3)[None]).numpy()
    array([[[5., 0.],
            [9., 9.]]], dtype=float32)

    Source:
        Bas et al. 2017, sec. 3.3, eq. (4); Zhu et al. 2015 for the moving contour.
    """

    def __init__(
        self,
        indices: Sequence[int] | np.ndarray,
        lines: Sequence[Sequence[int]] | np.ndarray,
        directions: Sequence[Sequence[float]] | np.ndarray,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.indices = tuple(int(index) for index in indices)
        self.lines = np.asarray(lines, np.int32)
        self.directions = np.asarray(directions, np.float32)
        moving = len(self.lines)
        if (
            self.lines.ndim != 2
            or self.directions.shape != (moving, 2)
            or moving > len(self.indices)
            or min(*self.indices, *self.lines.ravel()) < 0
        ):
            raise ValueError(
                "ApparentLandmarkSelection expects `lines` (contour points, K) and `directions` "
                "(contour points, 2) for some of the first `indices`, all of at least 0, received "
                f"shapes {self.lines.shape} and {self.directions.shape} for {len(self.indices)} "
                f"indices, the smallest {min(*self.indices, *self.lines.ravel())}."
            )

    def build(self, points_shape, rotation_shape):
        if len(points_shape) != 3 or points_shape[2] != 2:
            raise ValueError(
                "ApparentLandmarkSelection expects `points` of shape (batch, N, 2), "
                f"received shape {tuple(points_shape)}."
            )
        if tuple(rotation_shape[1:]) != (3, 3):
            raise ValueError(
                "ApparentLandmarkSelection expects `rotation` of shape (batch, 3, 3), "
                f"received shape {tuple(rotation_shape)}."
            )
        largest = max(*self.indices, *self.lines.ravel())
        if largest >= points_shape[1]:
            raise ValueError(
                f"ApparentLandmarkSelection expects more than {largest} points, "
                f"received shape {tuple(points_shape)}."
            )

    def call(self, points, rotation):
        moving = contour.select_outermost(*self._candidates(points, rotation))
        if len(self.lines) == len(self.indices):
            return moving
        fixed = projection.select_points(points, tf.constant(self.indices[len(self.lines) :]))
        return tf.concat([moving, fixed], axis=1)

    def vertices(self, points, rotation):
        """Returns the vertex of each landmark, `(batch, len(indices))` int32."""
        chosen = contour.outermost(*self._candidates(points, rotation))
        lines = tf.broadcast_to(self.lines, (tf.shape(chosen)[0], *self.lines.shape))
        moving = tf.gather(lines, chosen, batch_dims=2)
        fixed = tf.constant(self.indices[len(self.lines) :], tf.int32)
        fixed = tf.broadcast_to(fixed, (tf.shape(chosen)[0], fixed.shape[0]))
        return tf.concat([moving, fixed], axis=1)

    def _candidates(self, points, rotation):
        """Returns points `(batch, lines, K, 2)` and outward directions `(batch, lines, 2)`."""
        on_lines = projection.select_points(points, tf.constant(self.lines.ravel()))
        on_lines = tf.reshape(on_lines, (-1, *self.lines.shape, 2))
        outward = tf.linalg.matmul(
            tf.constant(self.directions, rotation.dtype), rotation[:, :2, :2], transpose_b=True
        )
        return on_lines, tf.stop_gradient(outward)

    def compute_output_shape(self, points_shape, rotation_shape):
        return (points_shape[0], len(self.indices), 2)

    def get_config(self):
        return {
            **super().get_config(),
            "indices": list(self.indices),
            "lines": self.lines.tolist(),
            "directions": self.directions.tolist(),
        }
