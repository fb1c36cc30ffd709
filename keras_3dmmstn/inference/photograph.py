"""Photographs: reading them from any common file, and cutting squares out of them."""

from pathlib import Path

import cv2
import numpy as np


def read_photograph(path: str | Path, *, upright: bool = True) -> np.ndarray:
    """Reads an image file as `(height, width, 3)` uint8 RGB.

    Grey images get three equal channels, 16-bit images are reduced to 8, and transparency is
    dropped.

    Args:
        path: the file.
        upright: whether the orientation stored in EXIF is applied. Labels of data sets are made on
            the pixels as they are stored.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not an image that OpenCV reads.
    """
    data = np.frombuffer(Path(path).read_bytes(), np.uint8)
    flags = cv2.IMREAD_COLOR_RGB | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error as error:
        raise ValueError(f"{path}: expected an image, which OpenCV refuses: {error}") from None
    if image is None:
        raise ValueError(
            f"{path}: expected an image, received a file that is not an image, or a damaged one."
        )
    return image


def as_photograph(image: np.ndarray) -> np.ndarray:
    """Returns an array as `(height, width, 3)` uint8 RGB.

    Args:
        image: uint8 or uint16 array, `(height, width)` or with 1, 3 (RGB) or 4 (RGBA) channels.

    Raises:
        TypeError: if it is no array of such integers.
        ValueError: if it has another shape or no pixels.
    """
    if not isinstance(image, np.ndarray) or image.dtype not in (np.uint8, np.uint16):
        received = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"Expected a path or an RGB uint8 array, received {received}.")
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or not image.size:
        raise ValueError(
            f"Expected an image of shape (height, width, 3), received shape {image.shape}."
        )
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image[..., :3])


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Returns the square `(size, size, channels)` that a similarity maps the image to.

    Where the image is made smaller it is averaged first, so that nothing aliases. Outside the
    image is 0.

    Args:
        image: `(height, width, channels)` uint8.
        matrix: `(2, 3)`, from image to square pixels.
        size: side of the square in pixels.
    """
    shrink = int(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink > 1:
        image, matrix = shrunk(image, matrix, shrink)
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR)


def shrunk(image: np.ndarray, matrix: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Averages blocks of factor × factor pixels.

    Args:
        image: `(height, width, channels)` uint8.
        matrix: `(2, 3)`, from the image's pixels to wherever.
        factor: side of a block, an integer.

    Returns:
        The smaller image, and the matrix from its pixels to the same place.
    """
    height, width = (-(-side // factor) * factor for side in image.shape[:2])
    padded = cv2.copyMakeBorder(
        image, 0, height - image.shape[0], 0, width - image.shape[1], cv2.BORDER_REPLICATE
    )
    small = cv2.resize(padded, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    # Small pixel i covers the pixels factor·i to factor·i + factor − 1.
    to_photograph = np.array(
        [[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]]
    )
    return small, matrix @ to_photograph
