"""MediaPipe's face detector and Face Mesh, from the models in its wheel, under LiteRT.

The wheel's own code is not run: `pip install --no-deps mediapipe==0.10.14` is enough. What lies
between the models is written after `face_detection_short_range.pbtxt` and
`face_landmark_front_cpu.pbtxt`, with NumPy and OpenCV.
"""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

_MESH_SIZE = 192
#: Side of the square that the mesh sees, in larger sides of the detector's box.
_MESH_SHARE = 1.5
_LEAST_SCORE = 0.5


class FaceMesh:
    """From a photograph to the 468 points of one face.

    Args:
        folder: the package `mediapipe`; where it is installed by default.
        threads: of LiteRT.
        detector: `"short_range"`, for faces within two metres of a phone, as Face Mesh uses it, or
            `"full_range_sparse"`, for faces within five.

    Raises:
        FileNotFoundError: if there is no such package.
    """

    def __init__(
        self, folder: str | Path | None = None, threads: int = 1, detector: str = "short_range"
    ):
        modules = Path(folder or _installed()) / "modules"
        finder = modules / "face_detection" / f"face_detection_{detector}.tflite"
        mesh = modules / "face_landmark" / "face_landmark.tflite"
        self._detector, self._mesh = (_opened(path, threads) for path in (finder, mesh))
        if detector == "short_range":
            cells = [np.repeat(_cells(16), 2, axis=0), np.repeat(_cells(8), 6, axis=0)]
        else:
            cells = [_cells(48)]
        self._anchors = np.concatenate(cells)

    def __call__(self, image: np.ndarray) -> np.ndarray | None:
        """Returns `(468, 2)` x, y in pixels of a photograph `(height, width, 3)`, or None."""
        found = self._detected(image)
        if found is None:
            return None
        corners, points = found
        across = points[1] - points[0]  # from eye to eye
        angle = float(np.arctan2(across[1], across[0]))
        side = _MESH_SHARE * float((corners[1] - corners[0]).max())
        matrix = _turned_square(corners.mean(axis=0), side, angle, _MESH_SIZE)
        crop = cv2.warpAffine(image, matrix, (_MESH_SIZE, _MESH_SIZE), flags=cv2.INTER_LINEAR)
        mesh = _invoked(self._mesh, crop / np.float32(255))[0].reshape(468, 3)[:, :2]
        back = cv2.invertAffineTransform(matrix)
        return mesh @ back[:, :2].T + back[:, 2]

    def _detected(self, image):
        """Returns corners `(2, 2)` and six points of the surest face, in pixels, or None."""
        height, width = image.shape[:2]
        side, seen = max(height, width), int(self._detector.get_input_details()[0]["shape"][1])
        matrix = _turned_square(np.array([width, height]) / 2 - 0.5, side, 0.0, seen)
        square = cv2.warpAffine(image, matrix, (seen, seen), flags=cv2.INTER_LINEAR)
        outputs = _invoked(self._detector, square / np.float32(127.5) - 1)
        logits, numbers = sorted(outputs, key=lambda output: output.shape[-1])
        best = int(np.argmax(logits[0, :, 0]))
        if logits[0, best, 0] < np.log(_LEAST_SCORE / (1 - _LEAST_SCORE)):
            return None
        values = numbers[0, best].reshape(8, 2) / seen
        points = (values + self._anchors[best]) * side + [(width - side) / 2, (height - side) / 2]
        half = values[1] * side / 2
        return np.stack([points[0] - half, points[0] + half]), points[2:]


def _installed():
    """Returns the folder of the package without importing it."""
    found = find_spec("mediapipe")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(
            "MediaPipe's models are missing: pip install --no-deps mediapipe==0.10.14"
        )
    return found.submodule_search_locations[0]


def _opened(path, threads):
    """Returns an interpreter for a file."""
    if not path.exists():
        raise FileNotFoundError(f"Expected a model of MediaPipe, but there is no {path}.")
    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


def _invoked(interpreter, image):
    """Returns the outputs for an image `(size, size, 3)`."""
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
    interpreter.invoke()
    return [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]


def _turned_square(middle, side, angle, size):
    """Returns the matrix `(2, 3)` to a square of `size` pixels that is turned by an angle."""
    scale = size / side
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([turn, (size - 1) / 2 - turn @ middle])


def _cells(count):
    """Returns the middles of count × count cells, `(count², 2)` in 0..1."""
    x, y = np.meshgrid(*[(np.arange(count) + 0.5) / count] * 2)
    return np.stack([x, y], axis=-1).reshape(-1, 2)
