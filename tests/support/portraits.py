"""The bundled portrait, small, large and turned."""

from importlib import resources

import cv2
import numpy as np

from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.paths import ROOT

# The tight box of the face's landmarks, as the bundled weights find it.
PORTRAIT_BOX = np.array([88.6, 86.8, 181.2, 179.3])


def portrait():
    """The bundled portrait, `(height, width, 3)`."""
    return read_photograph(resources.files("keras_3dmmstn.assets") / "portrait.jpg")


def astronaut():
    """Another photograph of one face, the left part of a picture in the docs."""
    return np.ascontiguousarray(read_photograph(ROOT / "docs/astronaut.jpg")[:, :320])


def turned(image, degrees):
    """A picture turned clockwise about its middle; what is turned in is black."""
    height, width = image.shape[:2]
    # OpenCV counts its angle counter-clockwise.
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    return cv2.warpAffine(image, matrix, (width, height)), matrix


def on_canvas(pictures, height, width):
    """A grey canvas with pictures, each given with its top left pixel (x, y)."""
    canvas = np.full((height, width, 3), 128, np.uint8)
    for picture, (x, y) in pictures:
        canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return canvas
