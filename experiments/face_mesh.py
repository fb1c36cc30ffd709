"""MediaPipe's Face Mesh on faces whose place is known, and its vertices next to 300-W's points.

The mesh is `face_landmark.tflite` (Apache-2.0) of the wheel `mediapipe==0.10.14`. The wheel's own
code is not run: `pip install --no-deps mediapipe==0.10.14`.
"""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from keras_3dmmstn.network.framing import apply_similarity

#: The vertices of Face Mesh that are next to the 68 points.
NEAREST = [162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389]
NEAREST += [71, 63, 105, 66, 107, 336, 296, 334, 293, 301]
NEAREST += [168, 197, 5, 4, 75, 97, 2, 326, 305]
NEAREST += [33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380]
NEAREST += [61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87]
MESH_SIZE, OUTER_EYES = 192, (33, 263)
#: Side of the square that the mesh sees, in larger sides of the box of its own points.
MESH_SHARE = 1.5


class FaceMesh:
    """MediaPipe's Face Mesh on a given square of a photograph."""

    def __init__(self, folder: Path | None):
        found = find_spec("mediapipe") if folder is None else None
        places = found.submodule_search_locations if found else None
        if folder is None and not places:
            raise SystemExit("pip install --no-deps mediapipe==0.10.14, or give --mediapipe FOLDER")
        file = Path(folder or places[0]) / "modules" / "face_landmark" / "face_landmark.tflite"
        self._network = Interpreter(str(file), num_threads=2)
        self._network.allocate_tensors()

    def __call__(self, photograph: np.ndarray, points: np.ndarray):
        """Returns points `(468, 3)` in a square of 192 pixels, the matrix to it, and a score.

        The square is first that of the 68 points given, then that of the mesh.
        """
        low, high = points.min(axis=0), points.max(axis=0)
        centre = (low + high) / 2 - [0, 0.12 * (high[1] - low[1])]
        side, across = 1.65 * (high - low).max(), points[45] - points[36]
        for _ in range(2):
            turn = _turn(across)
            scale = MESH_SIZE / side
            shift = (MESH_SIZE - 1) / 2 - scale * turn @ centre
            matrix = np.column_stack([scale * turn, shift])
            mesh, score = self._points(cv2.warpAffine(photograph, matrix, (MESH_SIZE, MESH_SIZE)))
            placed = apply_similarity(cv2.invertAffineTransform(matrix), mesh[:, :2])
            across = placed[OUTER_EYES[1]] - placed[OUTER_EYES[0]]
            upright = placed @ _turn(across).T
            low, high = upright.min(axis=0), upright.max(axis=0)
            centre, side = _turn(across).T @ (low + high) / 2, MESH_SHARE * (high - low).max()
        return mesh, matrix, score

    def _points(self, crop):
        """Returns points and score of a square crop."""
        network = self._network
        network.set_tensor(network.get_input_details()[0]["index"], crop[None] / np.float32(255))
        network.invoke()
        values = [network.get_tensor(output["index"]) for output in network.get_output_details()]
        mesh = next(value for value in values if value.size == 3 * 468).reshape(468, 3)
        logit = float(next(value for value in values if value.size == 1).item())
        return mesh, 1 / (1 + np.exp(-logit))


def _turn(across):
    """Returns the matrix `(2, 2)` that makes a direction level."""
    x, y = across / np.linalg.norm(across)
    return np.array([[x, y], [-y, x]])
