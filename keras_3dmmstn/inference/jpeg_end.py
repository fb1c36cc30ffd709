"""JPEG files whose data end too early: OpenCV fills the rest with grey, or blurs."""

import re

import cv2
import numpy as np

from keras_3dmmstn.inference.picture_end import ZEROS

# The markers of a file's segments; 0xFF 0x00 and restarts belong to the data of a scan.
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
# A scan's data follow the first of these. The others have no length: TEM, the start of another
# picture, the end.
_SCAN, _WITHOUT_LENGTH = 0xDA, (0x01, 0xD8, 0xD9)
# Marks the frame header of a progressive picture, whose scans refine one another.
_PROGRESSIVE = b"\xff\xc2"
# Restart markers, and those at the end of data, which lead to nothing.
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_RESTARTS = re.compile(rb"(?:\xff[\xd0-\xd7])+\Z")

# Levels of pixels without data: middle grey, and what it becomes in CMYK.
_FILLED = (128, 64, 65)
# More data than the next block needs, without a marker. They are read only where data are missing.
_MORE_DATA = bytes(range(1, 251)) * 16
# More zeros than a decoder buffers when it reads the last block.
_FEW_ZEROS = 16


def is_cut_off(content: bytes, image: np.ndarray, flags: int) -> bool:
    """Returns whether a part of a decoded JPEG is grey or blurred because its data end too early.

    Such a file still has an end marker, as after a repaired transfer, or zeros in place of the
    rest: OpenCV refuses one that just stops. The corners are checked first, since a whole
    photograph is seldom grey there, and the scans, of which some may be missing.

    Args:
        content: the bytes of an image file; one that is not a JPEG is never cut off.
        image: `(height, width, 3)` uint8, decoded by OpenCV.
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
    # Padding is not read at all; where zeros are data, a whole picture needs all of them.
    without, fewer = (content[: end - n] + content[end:] for n in (zeros, _FEW_ZEROS))
    is_read = _differs(without, image, flags, or_is_none=True)
    return is_read and (end == len(content) or not _differs(fewer, image, flags, or_is_none=True))


def _differs(content, image, flags, or_is_none=False):
    """Returns whether OpenCV decodes other bytes to a different picture, or perhaps to none."""
    other = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    return or_is_none if other is None else not np.array_equal(other, image)


def _with_more_data(content, ends):
    """Returns a JPEG with more data after each scan, also after the restart that is due there."""
    parts, begin = [], 0
    for end in ends:
        restarts = _RESTART.findall(content, begin, end)
        due = 0xD0 + ((restarts[-1][0] + 1) % 8 if restarts else 0)
        parts += [content[begin:end], _MORE_DATA, bytes((0xFF, due)), _MORE_DATA]
        begin = end
    return b"".join([*parts, content[begin:]])


class _Scans:
    """The scans of a JPEG.

    A preview embedded in the metadata has scans of its own, which are skipped.

    Attributes:
        ends: the positions where the data of the scans end.
        lack: whether scans that a progressive picture needs are missing.
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
            # The data of a scan follow its header; the search skips them.
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
