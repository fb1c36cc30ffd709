"""Searches a whole photograph for places that may be faces, with YuNet."""

import cv2
import numpy as np

from keras_3dmmstn.inference.detection.candidates import Candidates, best_candidates, decode
from keras_3dmmstn.inference.detection.closer_look import HINT, seen_closer
from keras_3dmmstn.inference.detection.interpreters import Interpreters

# The smallest face, √(w·h) of its landmarks, that the network finds reliably, in pixels.
_SMALLEST_SEEN = 24
# The larger side of a searched picture is at most this.
_LARGEST_SEARCHED = 1024
# If both sides are larger than this, a picture a third as large shows the largest faces better.
_LARGEST_SEEN = 420
_COARSER = 3
# The larger side of a searched picture is a multiple of this, so that fewer sizes occur.
_STEP = 32


class Search:
    """Searches photographs without turning them.

    Args:
        smallest: size of the smallest face to find, √(w·h) of its landmarks in pixels.
        threads: number of threads that compute the network.
    """

    def __init__(self, smallest: float, threads: int):
        self.smallest = smallest
        self._interpreters = Interpreters("yunet.tflite", threads)

    def __call__(self, image: np.ndarray, least: float) -> Candidates:
        """Returns the candidates in pixels of a photograph, the best first.

        Args:
            image: `(height, width, 3)` uint8 RGB.
            least: candidates with lower scores are left out.
        """
        covered, searched = resized(image, _SMALLEST_SEEN / self.smallest)
        size = np.array(covered.shape[1::-1])
        pictures = [(searched, size)]  # with the size of the part of the photograph they show
        if min(searched.shape[:2]) > _LARGEST_SEEN:
            part, coarser = resized(searched, 1 / _COARSER)
            pictures.append((coarser, size * part.shape[1::-1] / searched.shape[1::-1]))
        found = best_candidates(
            [
                decode(self.maps(picture), min(least, HINT)).scaled(shown / picture.shape[1::-1])
                for picture, shown in pictures
            ]
        )
        found = seen_closer(image, found, max(searched.shape[:2]) / max(size), self.maps)
        return found.at_least(least)

    def maps(self, image: np.ndarray) -> list[np.ndarray]:
        """Returns the network's maps `(height / s, width / s, 16)` for the strides s = 8, 16, 32.

        Args:
            image: `(height, width, 3)` uint8 RGB, filled with black to the next multiples of 32.
        """
        height, width = (-(-side // 32) * 32 for side in image.shape[:2])
        # The first row and column are the padding of the first convolution.
        with self._interpreters.of_shape((1, height + 1, width + 1, 3)) as interpreter:
            (entry,) = interpreter.get_input_details()
            pixels = interpreter.tensor(entry["index"])()[0, 1:, 1:]
            pixels[: image.shape[0], : image.shape[1]] = image
            pixels[image.shape[0] :] = 0
            pixels[: image.shape[0], image.shape[1] :] = 0
            del pixels  # an interpreter does not run while its memory is referenced
            interpreter.invoke()
            outputs = interpreter.get_output_details()
            maps = [interpreter.get_tensor(output["index"])[0] for output in outputs]
        return sorted(maps, key=lambda values: -values.shape[0])


def resized(image: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Makes a picture about `scale` times as large, its larger side a multiple of 32 pixels.

    It is first averaged in blocks of whole pixels, in a sixth of the time of other averages.

    Returns:
        The part of the image that the picture shows, without the last rows and columns that do not
        fill a block, and the picture.
    """
    size, block = _size_and_block(image, scale)
    height, width = (side // block for side in image.shape[:2])
    shown = image[: height * block, : width * block]
    picture = shown
    if block > 1:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    if size != picture.shape[1::-1]:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return shown, picture


def _size_and_block(image, scale):
    """Returns width and height of an image about `scale` times as large, and the side of blocks."""
    height, width = image.shape[:2]
    longest = min(scale * max(height, width), _LARGEST_SEARCHED)
    longest = max(_STEP, _STEP * round(longest / _STEP))
    scale = longest / max(height, width)
    size = max(1, round(scale * width)), max(1, round(scale * height))
    return size, max(1, min(int(1 / scale), height, width))
