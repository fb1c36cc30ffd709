"""From θ to the 68 landmarks alone, where the rest of the face is not needed."""

import numpy as np
from scipy.spatial.transform import Rotation

from keras_3dmmstn.mesh import GridModel, contour_lines
from keras_3dmmstn.mesh.visibility.contour import outermost


class LandmarkGeometry:
    """Computes landmarks for an orthographic camera, with the jaw on the apparent contour.

    They equal those of the whole face (`FaceGeometry`), whose 12,544 vertices take a thousand times
    as many numbers.

    Args:
        grid_model: a face model with `ibug68`.
    """

    def __init__(self, grid_model: GridModel):
        lines, self._outward = contour_lines(grid_model)
        self._lines = lines.shape
        others = grid_model.landmark_indices("ibug68")[len(lines) :]
        vertices = np.concatenate([lines.ravel(), others])
        self._mean = grid_model.mean[vertices].astype(float)
        self._basis = grid_model.basis[:, vertices].reshape(grid_model.modes, -1).astype(float)

    def __call__(self, parameters: np.ndarray) -> np.ndarray:
        """Returns the landmarks `(n, 68, 2)` for θ `(n, 6 + D)`, x, y in pixels."""
        theta = np.asarray(parameters, float)
        vertices = self._mean + (theta[:, 6:] @ self._basis).reshape(len(theta), -1, 3)
        rotation = Rotation.from_rotvec(theta[:, :3]).as_matrix()
        scale = np.exp(theta[:, 5])[:, None, None]
        points = scale * (vertices @ rotation[:, :2].transpose(0, 2, 1)) + theta[:, None, 3:5]
        count, length = self._lines
        lines = points[:, : count * length].reshape(-1, count, length, 2)
        chosen = outermost(lines, self._outward, rotation)
        jaw = np.take_along_axis(lines, chosen[..., None, None], axis=2)[:, :, 0]
        return np.concatenate([jaw, points[:, count * length :]], axis=1)
