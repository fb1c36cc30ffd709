"""JPEG files whose data end before the picture does: OpenCV fills the rest with grey, or blurs."""

import re

import cv2
import numpy as np

from keras_3dmmstn.inference.picture_end import ZEROS

# What begins the parts of a file; 0xFF 0x00 and restarts belong to the data of a scan.
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
# A scan's data follow this part. Behind these no part has a length: TEM, the begin of another
# picture, the end.
_SCAN, _WITHOUT_LENGTH = 0xDA, (0x01, 0xD8, 0xD9)
# Begins the description of a progressive picture, whose scans refine one another.
_PROGRESSIVE = b"\xff\xc2"
# Restarts, and those at the end of data, which lead to nothing.
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_RESTARTS = re.compile(rb"(?:\xff[\xd0-\xd7])+\Z")

# Levels of what has no data: middle grey, and what becomes of it in CMYK.
_FILLED = (128, 64, 65)
# More data than the next block takes, without a marker. Where none are missing they are not read.
_MORE_DATA = bytes(range(1, 251)) * 16
# More zeros than a decoder has in hand when the last block is read.
_FEW_ZEROS = 16


def is_cut_off(content: bytes, image: np.ndarray, flags: int) -> bool:
    """Says whether a part of a decoded JPEG is grey or blurred since its data end too early.

    Its file then has an end all the same, as of a transfer that was repaired, or zeros in place of
    the rest: OpenCV refuses one that just stops. Looks at the corners first, since a whole
    photograph is seldom grey there, and for scans that lack.

    Args:
        content: the bytes of an image file; one that is no JPEG is never cut off.
        image: `(height, width, 3)` uint8, what OpenCV made of it.
        flags: with which OpenCV decoded it.
    """
    if content[:2] != b"\xff\xd8":
        return False
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
    is_grey = any((corners == level).all(axis=1).any() for level in _FILLED)
    if not is_grey and ZEROS not in content and _PROGRESSIVE not in content:
        return False
    scans = _Scans(content)
    if (is_grey or scans.lack) and _differs(_with_more_data(content, scans.ends), image, flags):
        return True
    end = scans.ends[-1] if scans.ends else len(content)
    zeros = end - len(content[:end].rstrip(b"\0"))
    if zeros < len(ZEROS):
        return False
    # Padding is not read at all; of zeros that are read as data, a whole picture takes all.
    without, fewer = (content[: end - n] + content[end:] for n in (zeros, _FEW_ZEROS))
    is_read = _differs(without, image, flags, or_is_none=True)
    return is_read and (end == len(content) or not _differs(fewer, image, flags, or_is_none=True))


def _differs(content, image, flags, or_is_none=False):
    """Says whether OpenCV makes another picture of other bytes, or perhaps none."""
    other = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    return or_is_none if other is None else not np.array_equal(other, image)


def _with_more_data(content, ends):
    """Returns a JPEG with more data behind each scan, also behind the restart that is due there."""
    parts, begin = [], 0
    for end in ends:
        restarts = _RESTART.findall(content, begin, end)
        due = 0xD0 + ((restarts[-1][0] + 1) % 8 if restarts else 0)
        parts += [content[begin:end], _MORE_DATA, bytes((0xFF, due)), _MORE_DATA]
        begin = end
    return b"".join([*parts, content[begin:]])


class _Scans:
    """The scans of a JPEG.

    A preview in the description of a photograph has scans of its own, which are passed over.

    Attributes:
        ends: the places where the data of the scans end.
        lack: whether scans are missing that a progressive picture needs.
    """

    def __init__(self, content):
        self.ends, place, in_scan, is_progressive = [], 2, False, False
        missing: dict[int, np.ndarray] = {}  # of each channel, the bits of its coefficients
        while (marker := _MARKER.search(content, place)) is not None:
            if in_scan:
                tail = content[max(place, marker.start() - 64) : marker.start()]
                restarts = _RESTARTS.search(tail)
                self.ends.append(marker.start() - len(restarts[0] if restarts else b""))
            kind, place = marker[0][-1], marker.end()
            if kind in _WITHOUT_LENGTH:
                break
            # The data of a scan lie behind its header; the search passes over them.
            head = content[place + 2 : place + int.from_bytes(content[place : place + 2], "big")]
            place += 2 + len(head)
            in_scan, is_progressive = kind == _SCAN, is_progressive or kind == _PROGRESSIVE[1]
            if kind == _PROGRESSIVE[1]:
                missing |= {channel: np.full(64, 16) for channel in head[6::3]}
            if in_scan and is_progressive and len(head) == 4 + 2 * head[0]:
                first, last, bits = head[-3:]
                for channel in head[1:-3:2]:
                    missing.get(channel, np.empty(64))[first : last + 1] = bits & 15
        self.lack = any(bits.any() for bits in missing.values())
