"""The size of a picture, read from the header of its file before anything is decoded."""

import re
import struct
from collections.abc import Callable

from keras_3dmmstn.inference.heif import boxes, is_heif, largest_picture
from keras_3dmmstn.inference.tiff_header import tiff_size
from keras_3dmmstn.outside_files import MAX_MEGAPIXELS, limit, memory_limit

# A photograph with more pixels than the first has at least one byte per so many pixels (second).
SMALL_PICTURE, PIXELS_A_BYTE = 16_000_000, 256


def check_picture(content: bytes) -> None:
    """Raises a ValueError if an image file's format is unknown, or it has too many pixels.

    The limit is `MAX_MEGAPIXELS` of `keras_3dmmstn.outside_files`. A picture of more than 16
    megapixels must also have at least one byte per 256 pixels, as every photograph has.

    Args:
        content: the bytes of the file.
    """
    try:
        size = picture_size(content)
    except (struct.error, ArithmeticError, IndexError, ValueError):
        size = None
    if size is None:
        raise ValueError(
            "expected a HEIC image, received a damaged one."
            if is_heif(content)
            else "expected an image, received a file that is not an image, or a damaged one."
        )
    width, height = size
    allowed = limit(MAX_MEGAPIXELS)
    if width * height > allowed * 1e6:
        raise ValueError(
            f"expected an image of at most {allowed:g} megapixels, received {width:,} x "
            f"{height:,}. The environment variable {MAX_MEGAPIXELS} raises the limit."
        )
    if width * height > max(SMALL_PICTURE, PIXELS_A_BYTE * len(content)):
        raise ValueError(
            f"expected a photograph, received an image of {width:,} x {height:,} pixels in "
            f"{len(content):,} bytes."
        )


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Returns the width and height that an image file declares, or None for an unknown format.

    Args:
        content: the bytes of the file.

    Raises:
        Exception: ValueError, IndexError or struct.error if the header is damaged.
    """
    readers = (size for begins, size in _FORMATS if begins.match(content))
    size = largest_picture if is_heif(content) else next(readers, None)
    if size is None:
        return None
    width, height = size(content)
    if width < 1 or height < 1:
        raise ValueError(f"a size of {width} x {height}")
    return width, height


def _jpeg(content):
    """Searches the segments for the frame header."""
    place = 2
    while True:
        place = content.index(b"\xff", place)
        while content[place] == 0xFF:
            place += 1
        marker, place = content[place], place + 1
        is_frame = 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
        if is_frame:
            height, width = struct.unpack_from(">HH", content, place + 3)
            return width, height
        if marker == 0xDA:
            raise ValueError("a scan without a frame")
        if marker and not 0xD0 <= marker <= 0xD8 and marker != 0x01:
            place += struct.unpack_from(">H", content, place)[0]


def _png(content):
    return struct.unpack_from(">II", content, 16)


def _gif(content):
    return struct.unpack_from("<HH", content, 6)


def _bmp(content):
    if struct.unpack_from("<I", content, 14)[0] == 12:
        return struct.unpack_from("<HH", content, 18)
    width, height = struct.unpack_from("<ii", content, 18)
    return abs(width), abs(height)


def _webp(content):
    """Reads the header of the first chunk: lossy, lossless, or extended."""
    if content[12:16] == b"VP8X":
        width, height = (int.from_bytes(content[i : i + 3], "little") + 1 for i in (24, 27))
        return width, height
    if content[12:16] == b"VP8L":
        bits = struct.unpack_from("<I", content, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF


def _pnm(content):
    """Reads the numbers after the letters, each followed by whitespace."""
    return _numbers(_PNM_SIZE.match(content))


def _pam(content):
    """Reads the largest numbers after the names: comments may contain the same words."""
    return tuple(_largest(rb"%s\s+(\d+)" % name, content[:65536]) for name in (b"WIDTH", b"HEIGHT"))


def _hdr(content):
    """Reads the largest numbers that look like the resolution line."""
    height, width = (_largest(pattern, content) for pattern in _HDR_SIDES)
    return width, height


def _sun_raster(content):
    return struct.unpack_from(">II", content, 4)


def _jpeg_2000(content):
    """Reads the size from the code stream, which may be in one of several boxes."""
    if not content.startswith(_CODE_STREAM):
        content = next((box for kind, box in boxes(content) if kind == b"jp2c"), b"")
    if not content.startswith(_CODE_STREAM):
        raise ValueError("a box without a code stream")
    right, bottom, left, top, *tile = struct.unpack_from(">8I", content, 8)
    (channels,) = struct.unpack_from(">H", content, 40)
    # Tiles are counted from the origin of the first, and all are set up before any is decoded.
    columns, rows = -(-(right - tile[2]) // tile[0]), -(-(bottom - tile[3]) // tile[1])
    if columns * rows * channels * _TILE_BYTES > memory_limit(len(content)):
        raise ValueError("more tiles than the file justifies")
    return right - left, bottom - top


def _largest(pattern, content):
    """Returns the largest of the numbers that a pattern finds."""
    return max(_number(word) for word in re.findall(pattern, content))


def _numbers(match):
    if match is None:
        raise ValueError("a picture without a size")
    return _number(match[1]), _number(match[2])


def _number(word):
    if len(word) > 20:  # leading zeros
        raise ValueError("a size of too many digits")
    return int(word)


# Bytes of memory that OpenJPEG needs for each channel of a tile, however small the tile is.
_TILE_BYTES = 5600
_CODE_STREAM = b"\xff\x4f\xff\x51"
_PNM_SIZE = re.compile(rb"P[1-6Ff](?:\s|#[^\r\n]*[\r\n])+(\d+)\s(?:\s|#[^\r\n]*[\r\n])*(\d+)\s")
_HDR_SIDES = (rb"[-+]Y\s*[-+]?(\d+)\s*[-+]X", rb"[-+]Y\s*[-+]?\d+\s*[-+]X\s*[-+]?(\d+)")

# How the files of each format begin, and the function that reads their size.
_FORMATS: list[tuple[re.Pattern[bytes], Callable]] = [
    (re.compile(begins, re.DOTALL), size)
    for begins, size in (
        (rb"\xff\xd8\xff", _jpeg),
        (rb"\x89PNG\r\n\x1a\n....IHDR", _png),
        (rb"GIF8[79]a", _gif),
        (rb"RIFF....WEBPVP8[ LX]", _webp),
        (rb"BM", _bmp),
        (rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]", tiff_size),
        (rb"P[1-6Ff]\s", _pnm),
        (rb"P7\s", _pam),
        (rb"#\?R(ADIANCE|GBE)", _hdr),
        (rb"\x59\xa6\x6a\x95", _sun_raster),
        (rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ", _jpeg_2000),
        (rb"....ftyp(avif|avis|mif1).*?(avif|avis)", largest_picture),
    )
]
