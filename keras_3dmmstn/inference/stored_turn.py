"""The orientation of pictures that OpenCV does not turn: AVIF, and animated PNG and WebP."""

import struct
from collections.abc import Iterator

import numpy as np

from keras_3dmmstn.inference.heif import avif_properties
from keras_3dmmstn.inference.tiff_header import tiff_orientation

# By EXIF's number: quarter turns anticlockwise, and whether left and right are then swapped.
_TURNS = {
    1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True),
    5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False),
}  # fmt: skip
_ANIMATED = 2  # in the flags of an extended WebP


def stored_turn(content: bytes) -> tuple[int, bool] | None:
    """Returns how a picture must be turned to be upright, or None if OpenCV does that.

    Args:
        content: the bytes of an image file.

    Returns:
        Quarter turns anticlockwise, and whether left and right are swapped after them.
    """
    try:
        if content[4:8] == b"ftyp":
            return _avif_turn(content)
        if content[:4] == b"RIFF" and content[12:16] == b"VP8X" and content[20] & _ANIMATED:
            return _exif_turn(dict(_webp_chunks(content)).get(b"EXIF", b""))
        if content[:8] == b"\x89PNG\r\n\x1a\n":
            chunks = dict(_png_chunks(content))
            if b"acTL" in chunks:
                return _exif_turn(chunks.get(b"eXIf", b""))
    except (struct.error, IndexError):  # a damaged file
        return 0, False
    return None


def turned(image: np.ndarray, turn: tuple[int, bool]) -> np.ndarray:
    """Turns an image.

    Args:
        image: `(height, width, channels)`.
        turn: as returned by `stored_turn`.
    """
    quarters, is_mirrored = turn
    image = np.rot90(image, quarters)
    return np.ascontiguousarray(image[:, ::-1] if is_mirrored else image)


def _avif_turn(content):
    """Reads the boxes that turn and mirror; in this format, EXIF does not count."""
    quarters, is_mirrored = 0, False
    for kind, value in avif_properties(content):
        if kind == b"irot":
            quarters = value & 3
        elif kind == b"imir":  # half a turn more swaps top and bottom
            quarters, is_mirrored = (quarters + (0 if value & 1 else 2)) % 4, True
    return quarters, is_mirrored


def _exif_turn(exif):
    exif = bytes(exif).removeprefix(b"Exif\0\0")
    return _TURNS.get(tiff_orientation(exif) or 1, (0, False))


def _webp_chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yields names and contents of the chunks of a WebP."""
    view, place = memoryview(content), 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        yield name, view[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yields names and contents of the chunks of a PNG."""
    view, place = memoryview(content), 8
    while place + 8 <= len(content):
        size, name = struct.unpack_from(">I4s", content, place)
        yield name, view[place + 8 : place + 8 + size]
        place += 12 + size
