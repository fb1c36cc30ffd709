"""The lines along which the contour of a turned face moves over its surface."""

import numpy as np

from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.landmark_sets import JAW_POINTS, NOSE_TIP

# Vertices looked at for each point of the contour, and how far towards the nose the last one is.
_CANDIDATES, _REACH = 12, 0.5


def contour_lines(grid_model: GridModel) -> tuple[np.ndarray, np.ndarray]:
    """Returns, for each jaw point of `ibug68`, the vertices that may be it.

    Jaw points are labelled on the apparent contour. Turn a head, and on its far side the contour
    leaves the jaw and moves over the cheek. So each point gets a line of vertices, straight in
    the texture from its place on the unturned jaw towards the tip of the nose, and a direction;
    the contour passes through that vertex of the line which lies furthest in the direction.

    Args:
        grid_model: a model with `ibug68` landmarks.

    Returns:
        `(17, 12)` int32 vertices, the first of each line on the jaw, and `(17, 2)` float32
        outward directions, unit vectors in x and y of the unturned face.

    Source:
        After the landmark marching of Zhu et al. 2015, "High-fidelity pose and expression
        normalization", whose lines are horizontal; lines to the nose fit the labels better.
    """
    landmarks = grid_model.landmark_indices("ibug68")
    columns = grid_model.grid_shape[1]
    position = np.stack(np.divmod(landmarks, columns), axis=1)
    jaw, nose = position[:JAW_POINTS], position[NOSE_TIP]
    share = np.linspace(0, _REACH, _CANDIDATES)[:, None]
    line = np.rint(jaw[:, None] + (nose - jaw)[:, None] * share).astype(np.int32)
    outward = (grid_model.mean[landmarks[:JAW_POINTS]] - grid_model.mean[landmarks[NOSE_TIP]])[
        :, :2
    ]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    return line[..., 0] * columns + line[..., 1], outward.astype(np.float32)


def outermost(candidates: np.ndarray, outward: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Returns which vertex of each contour line lies furthest outward in the image.

        k* = argmax_k ⟨P R (d, 0), Y_k⟩

    Args:
        candidates: `(..., lines, K, 2)` Y, where the vertices of each line lie, in any unit.
        outward: `(lines, 2)` d, as of `contour_lines`.
        rotation: `(..., 3, 3)` R, the pose.

    Returns:
        `(..., lines)` places on the lines, the first of several equals.
    """
    directions = outward @ np.swapaxes(rotation[..., :2, :2], -1, -2)
    return np.einsum("...lki,...li->...lk", candidates, directions).argmax(axis=-1)
