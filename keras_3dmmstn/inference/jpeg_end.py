"""JPEG files whose data end before the picture does: OpenCV fills the rest with grey."""

import re

import cv2
import numpy as np

# What begins the parts of a file, and ends it; 0xFF 0x00 and restarts belong to the data of a scan.
_END = 0xD9
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")

# Levels of what has no data: middle grey, and what becomes of it in CMYK.
_FILLED = (128, 64, 65)
# More data than the next block takes, without a marker. Where none are missing they are not read.
_MORE_DATA = bytes(range(1, 251)) * 16


def is_cut_off(content: bytes, image: np.ndarray, flags: int) -> bool:
    """Says whether a part of a decoded JPEG is grey since its data end too early.

    Its file then has an end all the same, as of a transfer that was repaired: OpenCV refuses one
    that just stops. Looks at the corners first, since a whole photograph is seldom grey there.

    Args:
        content: the bytes of an image file; one that is no JPEG is never cut off.
        image: `(height, width, 3)` uint8, what OpenCV made of it.
        flags: with which OpenCV decoded it.
    """
    if content[:2] != b"\xff\xd8":
        return False
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
    if not any((corners == level).all(axis=1).any() for level in _FILLED):
        return False
    end = _end_of_data(content)
    if end is None:
        return False
    more = cv2.imdecode(np.frombuffer(content[:end] + _MORE_DATA + content[end:], np.uint8), flags)
    return more is not None and not np.array_equal(more, image)


def _end_of_data(content):
    """Returns the place of the marker that ends a JPEG, None if there is none.

    A preview in the description of a photograph has an end of its own, which is passed over.
    """
    place = 2
    while (marker := _MARKER.search(content, place)) is not None:
        kind, place = marker[0][-1], marker.end()
        if kind == _END:
            return marker.start()
        # The data of a scan lie behind its header; the search passes over them.
        place += int.from_bytes(content[place : place + 2], "big")
    return None
