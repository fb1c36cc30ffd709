"""The lines along which the contour of a turned face moves over its surface."""

import numpy as np

from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.landmark_sets import JAW_POINTS, NOSE_TIP

# How many vertices are tried for each contour point, and how far towards the nose the last one is.
_CANDIDATES, _REACH = 12, 0.5


def contour_lines(grid_model: GridModel) -> tuple[np.ndarray, np.ndarray]:
    """Returns the candidate vertices for each jaw point of `ibug68`.

    Jaw points are labelled on the apparent contour. When a head turns, the contour on its far side
    leaves the jaw and moves over the cheek. So each point gets a direction and a line of vertices,
    straight in the texture from its place on the unturned jaw towards the tip of the nose. The
    contour passes through the vertex of the line that lies furthest in that direction.

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
        candidates: `(..., lines, K, 2)` Y, positions of the vertices of each line, in any unit.
        outward: `(lines, 2)` d, as from `contour_lines`.
        rotation: `(..., 3, 3)` R, the pose.

    Returns:
        `(..., lines)` indices along the lines; the first of several equal ones.
    """
    directions = outward @ np.swapaxes(rotation[..., :2, :2], -1, -2)
    return np.einsum("...lki,...li->...lk", candidates, directions).argmax(axis=-1)
