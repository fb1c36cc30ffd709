"""JPEG files whose data end before the picture does: OpenCV fills the rest with grey."""

import itertools
import re

import cv2
import numpy as np

# What begins the parts of a file; 0xFF 0x00 and restarts belong to the data of a scan.
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
# A scan's data follow this part. Behind these no part has a length: TEM, the begin of another
# picture, the end.
_SCAN, _WITHOUT_LENGTH = 0xDA, (0x01, 0xD8, 0xD9)
# Restarts at the end of data, which lead to nothing.
_RESTARTS = re.compile(rb"(?:\xff[\xd0-\xd7])+\Z")

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
    begins = [0, *_ends_of_data(content), len(content)]
    parts = [content[begin:end] for begin, end in itertools.pairwise(begins)]
    more = cv2.imdecode(np.frombuffer(_MORE_DATA.join(parts), np.uint8), flags)
    return more is not None and not np.array_equal(more, image)


def _ends_of_data(content):
    """Returns the places where the data of a JPEG's scans end.

    A preview in the description of a photograph has scans of its own, which are passed over.
    """
    place, ends, in_scan = 2, [], False
    while (marker := _MARKER.search(content, place)) is not None:
        if in_scan:
            restarts = _RESTARTS.search(content[max(place, marker.start() - 64) : marker.start()])
            ends.append(marker.start() - len(restarts[0] if restarts else b""))
        kind, place = marker[0][-1], marker.end()
        if kind in _WITHOUT_LENGTH:
            break
        # The data of a scan lie behind its header; the search passes over them.
        place += int.from_bytes(content[place : place + 2], "big")
        in_scan = kind == _SCAN
    return ends
