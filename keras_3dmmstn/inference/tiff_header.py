"""The header of a TIFF: its size, the number type of its pixels, and its orientation."""

import struct

_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT, _BITS, _SAMPLE_FORMAT = 256, 257, 322, 323, 258, 339
_COMPRESSION, _ORIENTATION = 259, 274
# Compressions that OpenCV's wheels do not read.
_COMPRESSIONS = {
    34887: "LERC", 34892: "lossy JPEG of DNG", 34925: "LZMA", 50000: "ZSTD", 50001: "WebP",
    50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
_BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NUMBERS = {1: "unsigned", 2: "signed", 3: "floating-point"}


def tiff_size(content: bytes) -> tuple[int, int]:
    """Returns the sides of the first picture; its tiles may be larger.

    Raises:
        ValueError: if it declares none.
        struct.error: if the file ends too early.
    """
    tags = _tags(content, (_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT))
    width, height = tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0)
    if not width * height:
        raise ValueError("a picture without a size")
    return max(width, tags.get(_TILE_WIDTH, 0)), max(height, tags.get(_TILE_HEIGHT, 0))


def tiff_numbers(content: bytes) -> str | None:
    """Returns a TIFF's number type, such as "32-bit floating-point"; None for other files."""
    if content[:4] not in _BEGINNINGS:
        return None
    try:
        tags = _tags(content, (_BITS, _SAMPLE_FORMAT))
    except struct.error:
        return None
    numbers = _NUMBERS.get(tags.get(_SAMPLE_FORMAT, 1))
    return f"{tags[_BITS]}-bit {numbers}" if numbers and _BITS in tags else None


def tiff_compression(content: bytes) -> str | None:
    """Returns the name of a TIFF's compression if OpenCV cannot read it, else None."""
    if content[:4] not in _BEGINNINGS:
        return None
    try:
        return _COMPRESSIONS.get(_tags(content, (_COMPRESSION,)).get(_COMPRESSION, 1))
    except struct.error:
        return None


def tiff_orientation(content: bytes) -> int | None:
    """Returns the orientation number of EXIF data, which are a TIFF, or None."""
    if content[:4] not in _BEGINNINGS:
        return None
    try:
        return _tags(content, (_ORIENTATION,)).get(_ORIENTATION)
    except struct.error:
        return None


def _tags(content, wanted):
    """Returns the first number of some tags of the first picture: a dict of integers."""
    order = "<" if content[:2] == b"II" else ">"
    big = struct.unpack_from(f"{order}H", content, 2)[0] == 43
    # Formats of offsets and counts; size of an entry; position of its value.
    place_form, count_form, step, value_place = ("Q", "Q", 20, 12) if big else ("I", "H", 12, 8)
    (place,) = struct.unpack_from(order + place_form, content, 8 if big else 4)
    (count,) = struct.unpack_from(order + count_form, content, place)
    place += struct.calcsize(order + count_form)
    tags = {}
    for entry in range(place, min(place + count * step, len(content) - step + 1), step):
        tag, kind = struct.unpack_from(f"{order}HH", content, entry)
        if tag in wanted:
            tags[tag] = _first_number(content, order, kind, entry, place_form, value_place)
    return tags


def _first_number(content, order, kind, entry, place_form, value_place):
    """Returns the first number of an entry; if there are many, they are stored elsewhere."""
    form = {3: "H", 4: "I", 16: "Q"}.get(kind, "B")
    (count,) = struct.unpack_from(order + place_form, content, entry + 4)
    place = entry + value_place
    if count * struct.calcsize(order + form) > struct.calcsize(order + place_form):
        (place,) = struct.unpack_from(order + place_form, content, place)
    return struct.unpack_from(order + form, content, place)[0]
