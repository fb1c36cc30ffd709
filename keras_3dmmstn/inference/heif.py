"""HEIC pictures, as phones take them: `pillow-heif` reads them, OpenCV does not."""

import re
import struct
from collections.abc import Iterator

import numpy as np

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
# Brands of all pictures in HEIF files, and those of AVIF, which OpenCV reads.
_ANY, _AVIF = (b"mif1", b"msf1"), (b"avif", b"avis")


def is_heif(content: bytes) -> bool:
    """Returns whether the bytes of a file are a HEIC or other HEIF picture, except AVIF."""
    if content[4:8] != b"ftyp":
        return False
    end = int.from_bytes(content[:4], "big")
    others = {content[place : place + 4] for place in range(16, min(end, 256), 4)}
    brand = content[8:12]
    return brand in _HEIC or (brand in _ANY and not others.intersection(_AVIF))


def largest_picture(content: bytes) -> tuple[int, int]:
    """Returns the largest size that a HEIF file declares; parts of a picture have their own.

    Raises:
        ValueError: if it declares none.
        struct.error: if the file ends too early.
    """
    described = _description(content)
    places = [match.end() + 4 for match in re.finditer(rb"ispe", described)]
    return max(struct.unpack_from(">II", described, place) for place in places)


def _description(content):
    """Returns the box `meta`, which may follow the pixels, or else the beginning of the file."""
    return next((box for kind, box in boxes(content) if kind == b"meta"), content[: 2**20])


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields types and contents of consecutive boxes.

    Raises:
        struct.error: if the file ends too early.
    """
    place = 0
    while place + 8 <= len(content):
        (size, kind), head = struct.unpack_from(">I4s", content, place), 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", content, place + 8), 16
        end = place + size if size else len(content)
        yield kind, content[place + head : end]
        if end < place + head:
            break
        place = end


def avif_properties(content: bytes) -> list[tuple[bytes, int]]:
    """Returns the properties of the displayed picture, in their order: type and first byte.

    A file without a description has none.

    Raises:
        struct.error, IndexError: if the file ends too early.
    """
    meta = next((box for kind, box in boxes(content) if kind == b"meta"), b"")
    parts = dict(boxes(meta[4:]))
    if b"pitm" not in parts or b"iprp" not in parts:
        return []
    shown = int.from_bytes(parts[b"pitm"][4:], "big")
    parts = dict(boxes(parts[b"iprp"]))
    every = list(boxes(parts.get(b"ipco", b"")))
    numbers = _properties_of(parts.get(b"ipma", bytes(8)), shown)
    return [
        (kind, value[0])
        for kind, value in (every[number - 1] for number in numbers if number <= len(every))
        if value
    ]


def _properties_of(table, item):
    """Returns the numbers of an item's properties, counted from 1, from the box `ipma`."""
    version, has_wide_numbers = table[0], table[3] & 1
    (count,) = struct.unpack_from(">I", table, 4)
    place = 8
    for _ in range(count):
        name, length = struct.unpack_from(">IB" if version else ">HB", table, place)
        place += 5 if version else 3
        form = f">{length}{'H' if has_wide_numbers else 'B'}"
        if name == item:
            mask = 0x7FFF if has_wide_numbers else 0x7F  # without the flag "essential"
            numbers = (number & mask for number in struct.unpack_from(form, table, place))
            return [number for number in numbers if number]
        place += struct.calcsize(form)
    return []


def check_reader() -> None:
    """Raises a ValueError that says what to install if `pillow-heif` is missing."""
    try:
        import pillow_heif  # noqa: F401
    except ImportError:
        raise ValueError(
            "expected an image that OpenCV reads, received HEIC, which needs pillow-heif: "
            'pip install "keras-3dmmstn[heic]", or convert it to JPEG.'
        ) from None


def read_heif(content: bytes) -> np.ndarray:
    """Decodes a HEIF picture as `(height, width)` or `(height, width, 3 or 4)` uint8, upright.

    The orientation is part of the format: decoding applies it, and EXIF does not count.

    Raises:
        ValueError: if it is damaged.
    """
    import pillow_heif

    try:
        pixels = np.array(pillow_heif.open_heif(content))  # of several, the one displayed
    except Exception as error:  # a damaged file raises almost anything
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise ValueError(f"expected a HEIC image, received a damaged one: {reason}.") from None
    if pixels.ndim == 3 and pixels.shape[2] == 2:  # grey with transparency
        pixels = pixels[..., 0]
    return pixels
