"""A second look at a place that may be a face, cut out and turned, with BlazeFace."""

from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.inference.detection.candidates import best_of_each_place
from keras_3dmmstn.inference.detection.interpreters import Interpreters
from keras_3dmmstn.inference.detection.landmark_boxes import landmark_box, roll_of, turned_box
from keras_3dmmstn.inference.photograph import warp

# Side in pixels of the square that is looked at.
SIZE = 128
# That square in larger sides of the candidate's box.
_SHARE = 1.75
# A face further from the square's middle, in its sides, is not the one looked for.
_FURTHEST = 0.2


def _cells(count):
    """Returns the middles of count x count cells, `(count², 2)` x, y in 0..1."""
    middles = (np.arange(count) + 0.5) / count
    x, y = np.meshgrid(middles, middles)
    return np.stack([x, y], axis=-1).reshape(-1, 2)


# The middles of its anchors in pixels: two in each of 16 x 16 cells, six in each of 8 x 8.
_ANCHORS = SIZE * np.concatenate(
    [np.repeat(_cells(16), 2, axis=0), np.repeat(_cells(8), 6, axis=0)]
)


@dataclass(frozen=True, eq=False)
class Sight:
    """A face as it was seen in a square cut out of a photograph.

    Attributes:
        score: in 0..1.
        lean: clockwise rotation of the face in the square, radians in -π..π.
        turn: by how much the square was turned back, radians.
        square: `(4,)` BlazeFace's box, in pixels of the square.
        matrix: `(2, 3)` from the photograph to the square.
    """

    score: float
    lean: float
    turn: float
    square: np.ndarray
    matrix: np.ndarray

    @property
    def roll(self) -> float:
        """The clockwise rotation of the face in the photograph, radians in -π..π."""
        return float(np.angle(np.exp(1j * (self.turn + self.lean))))

    def landmark_box(self) -> np.ndarray:
        """Returns the tight box `(4,)` of the 68 landmarks in the photograph."""
        low, high = landmark_box(self.square).reshape(2, 2)
        # The box belongs to the upright face: it turns about the middle of BlazeFace's box.
        pivot = self.square.reshape(2, 2).mean(axis=0)
        cosine, sine = np.cos(self.lean), np.sin(self.lean)
        middle = pivot + np.array([[cosine, -sine], [sine, cosine]]) @ ((low + high) / 2 - pivot)
        linear, shift = self.matrix[:, :2], self.matrix[:, 2]
        scale = np.sqrt(np.linalg.det(linear))
        return turned_box(np.linalg.solve(linear, middle - shift), (high - low) / scale, self.roll)


class SecondLook:
    """Looks at places of photographs.

    Args:
        threads: number of threads that compute the network.
    """

    def __init__(self, threads: int):
        self._interpreters = Interpreters("blazeface_short_range.tflite", threads)

    def __call__(self, image: np.ndarray, box: np.ndarray, turn: float) -> Sight:
        """Returns the face with the highest score at a place.

        Args:
            image: `(height, width, 3)` uint8 RGB.
            box: `(4,)` x0, y0, x1, y1, where a face may be.
            turn: its expected clockwise rotation, radians, to within about 60°.

        Source:
            Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile
            GPUs".
        """
        side = _SHARE * max(box[2] - box[0], box[3] - box[1])
        matrix = turned_square(box.reshape(2, 2).mean(axis=0), side, turn)
        numbers, logits = self._outputs(cut(image, matrix, side))
        numbers, middles, logits = _placed(numbers, logits, _ANCHORS)
        far = np.abs(middles - (SIZE - 1) / 2).max(axis=1) > _FURTHEST * SIZE
        best = int(np.argmax(np.where(far, -np.inf, logits)))
        return _sight(numbers[best], middles[best], logits[best], turn, matrix)

    def everywhere(self, image: np.ndarray, least: float) -> list[Sight]:
        """Returns the faces seen in a whole photograph, the highest score first.

        Args:
            image: `(height, width, 3)` uint8 RGB, seen as a square of `SIZE` pixels.
            least: sights with lower scores are left out.
        """
        height, width = image.shape[:2]
        side = float(max(height, width))
        matrix = turned_square(np.array([(width - 1) / 2, (height - 1) / 2]), side, 0.0)
        numbers, logits = self._outputs(cut(image, matrix, side))
        found = np.flatnonzero((_logistic(logits) >= least) & (numbers[:, 2:4] > 0).all(axis=1))
        numbers, middles, logits = _placed(numbers[found], logits[found], _ANCHORS[found])
        half = numbers[:, 2:4] / 2
        squares = np.concatenate([middles - half, middles + half], axis=1)
        return [
            _sight(numbers[k], middles[k], logits[k], 0.0, matrix)
            for k in best_of_each_place(squares, logits)
        ]

    def _outputs(self, square):
        """Returns the network's `(896, 16)` centre, size and six points, and `(896,)` logits."""
        with self._interpreters.of_shape((1, SIZE, SIZE, 3)) as interpreter:
            (entry,) = interpreter.get_input_details()
            interpreter.set_tensor(entry["index"], square[None] / np.float32(127.5) - 1)
            interpreter.invoke()
            details = interpreter.get_output_details()
            outputs = [interpreter.get_tensor(detail["index"])[0] for detail in details]
        logits, numbers = sorted(outputs, key=lambda output: output.shape[-1])
        return numbers, logits[:, 0]


def _placed(numbers, logits, anchors):
    """Returns numbers `(n, 16)`, middles of boxes `(n, 2)` in pixels and logits `(n,)`."""
    numbers = numbers.astype(float)
    # The network counts from the border of the first pixel, not from its centre.
    return numbers, numbers[:, :2] + anchors - 0.5, logits.astype(float)


def _sight(numbers, middle, logit, turn, matrix):
    """Returns the sight of an anchor: `(16,)` numbers, the middle `(2,)` of its box, its logit."""
    half = numbers[2:4] / 2
    square = np.concatenate([middle - half, middle + half])
    return Sight(float(_logistic(logit)), roll_of(numbers[4:].reshape(-1, 2)), turn, square, matrix)


def _logistic(logits):
    return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))


def turned_square(middle: np.ndarray, side: float, turn: float) -> np.ndarray:
    """Returns the matrix `(2, 3)` from a picture to a square in which a turned face is upright."""
    scale = SIZE / side
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    linear = np.array([[cosine, sine], [-sine, cosine]])
    return np.column_stack([linear, (SIZE - 1) / 2 - linear @ middle])


def cut(image: np.ndarray, matrix: np.ndarray, side: float) -> np.ndarray:
    """Cuts out the square that a matrix maps to; only the pixels around it are read.

    Args:
        image: `(height, width, 3)` uint8 RGB.
        matrix: `(2, 3)` from the image to the square.
        side: of the square, in pixels of the image.
    """
    middle = np.linalg.solve(matrix[:, :2], (SIZE - 1) / 2 - matrix[:, 2])
    reach = side * np.sqrt(0.5) + 2
    size = np.array(image.shape[1::-1])
    low = np.clip(np.floor(middle - reach), 0, size - 1).astype(int)
    high = np.clip(np.ceil(middle + reach), low + 1, size).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    moved = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ low])
    return warp(part, moved, SIZE)
