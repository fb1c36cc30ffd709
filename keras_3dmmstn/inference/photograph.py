"""Reads photographs from any common file format, and cuts squares out of them."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn.inference.heif import check_reader, is_heif, read_heif
from keras_3dmmstn.inference.jpeg_end import is_cut_off
from keras_3dmmstn.inference.picture_end import lacks_end
from keras_3dmmstn.inference.picture_levels import (
    LARGEST_OF_12_BITS,
    check_levels,
    is_of_fewer_bits,
)
from keras_3dmmstn.inference.picture_size import check_picture
from keras_3dmmstn.inference.stored_turn import stored_turn, turned
from keras_3dmmstn.inference.tiff_header import tiff_compression, tiff_numbers
from keras_3dmmstn.outside_files import read_file

# Pixel type that OpenCV reads as unsigned.
_SIGNED = "16-bit signed"

#: Extensions, in small or capital letters, of the files in a folder that are photographs.
ENDINGS = (
    *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jp2", ".jpeg", ".jpg"),
    *(".png", ".tif", ".tiff", ".webp"),
)


def read_photograph(path: str | Path, *, upright: bool = True) -> np.ndarray:
    """Reads an image file as `(height, width, 3)` uint8 RGB.

    Grey images get three equal channels, images of more bits are reduced to 8, and transparency is
    dropped. HEIC is read if `pillow-heif` is installed. The size is checked before anything is
    decoded: at most 128 megapixels, unless the environment variable KERAS_3DMMSTN_MAX_MEGAPIXELS
    says otherwise.

    Args:
        path: the file.
        upright: whether to apply the orientation stored in EXIF, or by AVIF itself. Labels of data
            sets refer to the pixels as stored. HEIC is always upright.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is a folder, a named pipe or a device; is neither an image that
            OpenCV reads nor HEIC with `pillow-heif` installed; has too many pixels; is cut off; or
            would be black: it has 16 bits and levels of 8, 10 or 12 (none above 1,023, or none
            above exactly 4,095), or floating-point levels of which none is above 1.
    """
    content = read_file(path)
    try:
        return decoded_photograph(content, upright=upright)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def decoded_photograph(content: bytes, *, upright: bool = True) -> np.ndarray:
    """Decodes the bytes of an image file as `(height, width, 3)` uint8 RGB.

    Formats and limits are those of `read_photograph`.

    Args:
        content: all bytes of the file, for example from a server.
        upright: as for `read_photograph`.

    Raises:
        ValueError: as for `read_photograph`, if they are not such an image.
    """
    if is_heif(content):
        check_reader()
        check_picture(content)
        return as_photograph(read_heif(content))
    check_picture(content)
    return _decoded(content, upright)


def _decoded(content, upright):
    """Decodes a picture of a format that OpenCV reads, or raises a ValueError."""
    data = np.frombuffer(content, np.uint8)
    turn = stored_turn(content) if upright else (0, False)
    flags = cv2.IMREAD_COLOR_RGB | (0 if turn is None else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(data, flags)
        may_be_wrong = image is not None and (
            image.max() <= LARGEST_OF_12_BITS // 255 or tiff_numbers(content) == _SIGNED
        )
        if may_be_wrong:
            check_levels(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))
        cut_off = image is not None and (
            "JPEG" if is_cut_off(content, image, flags) else lacks_end(content)
        )
    except cv2.error as error:
        raise ValueError(_refusal(content, _reason(error))) from None
    if image is None:
        raise ValueError(_refusal(content, None))
    if cut_off:
        raise ValueError(
            f"expected a whole {cut_off}, received one that is cut off: a part of it is grey, "
            "blurred or noise, since its data end too early."
        )
    return turned(image, turn) if turn not in (None, (0, False)) else image


def _refusal(content, reason):
    """Returns why OpenCV did not decode a file; `reason` is its own message, if it gave one."""
    numbers = tiff_numbers(content)
    if numbers not in (None, "8-bit unsigned", "16-bit unsigned"):
        return (
            f"expected levels of 8 or 16 bits, received a TIFF of {numbers} numbers: convert it to "
            "PNG or JPEG."
        )
    compression = tiff_compression(content)
    if compression is not None:
        return (
            f"expected a TIFF that OpenCV reads, received one compressed with {compression}: "
            "convert it to PNG or JPEG."
        )
    if reason is not None:
        return f"expected an image, which OpenCV refuses: {reason}."
    return "expected an image, received a file that is not an image, or a damaged one."


def _reason(error):
    """Returns the last line of an OpenCV error, without the place in its code."""
    return str(error).strip().split("\n")[-1].split(") ")[-1][:200].rstrip(".")


def as_photograph(image: np.ndarray) -> np.ndarray:
    """Returns an array as `(height, width, 3)` uint8 RGB.

    Args:
        image: uint8 or uint16 array, `(height, width)` or with 1, 3 (RGB) or 4 (RGBA) channels.

    Raises:
        TypeError: if it is not an array of such integers.
        ValueError: if it has a different shape or no pixels, or has 16 bits but levels of 8, 10 or
            12 (none above 1,023, or none above exactly 4,095), which would be nearly black.
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
        if is_of_fewer_bits(image.max()):
            raise ValueError(
                "Expected levels in 0..65535 in an image of type uint16, received none above "
                f"{image.max()}: levels in 0..255 belong in one of type uint8, those of 10 or 12 "
                "bits multiplied by 64 or 16."
            )
        image = (image >> 8).astype(np.uint8)
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image[..., :3])


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Returns the square `(size, size, channels)` that a similarity maps the image to.

    If the image is made smaller, it is averaged first to avoid aliasing. Pixels outside the image
    are 0.

    Args:
        image: `(height, width, channels)` uint8.
        matrix: `(2, 3)`, from image to square pixels.
        size: side of the square in pixels.
    """
    shrink = max(1, int(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
    corners = np.array([[-1.0, -1.0], [size, -1.0], [-1.0, size], [size, size]])
    back = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2]
    part, to_photograph = part_around(image, corners @ back[:, :2].T + back[:, 2], shrink)
    if not part.size:
        return np.zeros((size, size, image.shape[2]), np.uint8)
    matrix = matrix @ np.vstack([to_photograph, [0.0, 0.0, 1.0]])
    return resampled(
        part, lambda picture: cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR)
    )


def resampled(image: np.ndarray, method: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Applies a resampling method of OpenCV to a picture.

    Three channels are passed as four: the result is the same, in half the time.

    Args:
        image: `(height, width, channels)` uint8.
        method: from a picture to the resampled one.
    """
    if image.shape[2] != 3:
        return method(image)
    return cv2.cvtColor(method(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)), cv2.COLOR_RGBA2RGB)


def part_around(
    image: np.ndarray, points: np.ndarray, shrink: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Cuts out the part that bilinear sampling at points reads, and averages blocks of its pixels.

    Args:
        image: `(height, width, channels)` uint8.
        points: `(..., 2)` x, y in pixels.
        shrink: side of a block, an integer. The blocks are the same for all parts of an image.

    Returns:
        The part, which has no pixels if all points are outside, and the `(2, 3)` matrix from its
        pixels to those of the image.
    """
    axes, size = (points[..., 0], points[..., 1]), np.array(image.shape[1::-1])
    first = np.array([axis.min() for axis in axes]) // shrink
    last = np.array([axis.max() for axis in axes]) // shrink
    low, high = (first - 1) * shrink, (last + 3) * shrink  # what is read before and after, too
    low = np.clip(low, 0, size - 1 - (size - 1) % shrink).astype(int)
    high = np.clip(high, 0, size).astype(int)
    part, to_image = image[low[1] : high[1], low[0] : high[0]], np.eye(2, 3)
    to_image[:, 2] = low
    return shrunk(part, to_image, shrink) if shrink > 1 and part.size else (part, to_image)


def shrunk(image: np.ndarray, matrix: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Averages blocks of factor × factor pixels.

    Args:
        image: `(height, width, channels)` uint8.
        matrix: `(2, 3)`, from the image's pixels to some target.
        factor: side of a block, an integer.

    Returns:
        The smaller image, and the matrix from its pixels to the same target.
    """
    height, width = (-(-side // factor) * factor for side in image.shape[:2])
    more = height - image.shape[0], width - image.shape[1]
    if any(more):
        image = cv2.copyMakeBorder(image, 0, more[0], 0, more[1], cv2.BORDER_REPLICATE)
    small = cv2.resize(image, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    # Small pixel i covers the pixels factor·i to factor·i + factor − 1.
    to_photograph = np.array(
        [[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]]
    )
    return small, matrix @ to_photograph
