"""The size of a picture, looked up in the header of its file, before anything is decoded."""

import re
import struct
from collections.abc import Callable

from keras_3dmmstn.outside_files import MAX_MEGAPIXELS, limit

# A photograph of more pixels than this has at least a byte for so many of them.
_SMALL, _PIXELS_A_BYTE = 16e6, 256

# What files that are refused are called, by the brand in their header.
_OTHER_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC", b"mif1": "HEIF"}


def check_picture(content: bytes) -> None:
    """Raises a ValueError if an image file is of no known format, or decodes to too many pixels.

    The limit is `MAX_MEGAPIXELS` of `keras_3dmmstn.outside_files`. A picture of more than 16
    megapixels must also have a byte for each 256 pixels, as every photograph has.

    Args:
        content: the bytes of the file.
    """
    try:
        size = picture_size(content)
    except (struct.error, IndexError, ValueError, OverflowError):
        size = None
    if size is None:
        brand = _OTHER_BRANDS.get(content[8:12]) if content[4:8] == b"ftyp" else None
        raise ValueError(
            "expected an image, received a file that is not an image, or a damaged one."
            if brand is None
            else f"expected an image that OpenCV reads, received {brand}: convert it to JPEG."
        )
    width, height = size
    allowed = limit(MAX_MEGAPIXELS)
    if width * height > allowed * 1e6:
        raise ValueError(
            f"expected an image of at most {allowed:g} megapixels, received {width:,} x "
            f"{height:,}. The environment variable {MAX_MEGAPIXELS} raises the limit."
        )
    if width * height > max(_SMALL, _PIXELS_A_BYTE * len(content)):
        raise ValueError(
            f"expected a photograph, received an image of {width:,} x {height:,} pixels in "
            f"{len(content):,} bytes."
        )


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Returns width and height that an image file claims, or None if its format is not known.

    Args:
        content: the bytes of the file.

    Raises:
        Exception: ValueError, IndexError or struct.error if the header is damaged.
    """
    for begins, size in _FORMATS:
        if begins.match(content):
            width, height = size(content)
            if width < 1 or height < 1:
                raise ValueError(f"a size of {width} x {height}")
            return width, height
    return None


def _jpeg(content):
    """Looks for the frame header, from segment to segment."""
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


def _tiff(content):
    """Reads the sides of the first picture; tiles may be larger than it is."""
    order = "<" if content[:2] == b"II" else ">"
    if struct.unpack_from(f"{order}H", content, 2)[0] == 43:  # BigTIFF
        (place,) = struct.unpack_from(f"{order}Q", content, 8)
        count, place = struct.unpack_from(f"{order}Q", content, place)[0], place + 8
        step, value_place = 20, 12
    else:
        (place,) = struct.unpack_from(f"{order}I", content, 4)
        count, place = struct.unpack_from(f"{order}H", content, place)[0], place + 2
        step, value_place = 12, 8
    tags = {256: 0, 257: 0, 322: 0, 323: 0}
    for entry in range(place, min(place + count * step, len(content) - step + 1), step):
        tag, kind = struct.unpack_from(f"{order}HH", content, entry)
        if tag in tags:
            form = {3: "H", 4: "I", 16: "Q"}[kind] if kind in (3, 4, 16) else "B"
            (tags[tag],) = struct.unpack_from(order + form, content, entry + value_place)
    if not tags[256] * tags[257]:
        raise ValueError("a picture without a size")
    return max(tags[256], tags[322]), max(tags[257], tags[323])


def _pnm(content):
    """Reads the numbers behind the letters; comments go to the end of their line."""
    words = re.sub(rb"#[^\n]*", b"", content[2:4096]).split()
    return _number(words[0]), _number(words[1])


def _pam(content):
    words = content[:4096].split()
    return tuple(_number(words[words.index(name) + 1]) for name in (b"WIDTH", b"HEIGHT"))


def _hdr(content):
    found = re.search(rb"[-+]Y (\d{1,9}) [-+]X (\d{1,9})\s", content[:65536])
    if found is None:
        raise ValueError("a picture without a size")
    return int(found[2]), int(found[1])


def _sun_raster(content):
    return struct.unpack_from(">II", content, 4)


def _jpeg_2000(content):
    """Reads the size of the code stream, wherever it begins."""
    place = content.index(b"\xff\x4f\xff\x51") + 8
    right, bottom, left, top = struct.unpack_from(">4I", content, place)
    return right - left, bottom - top


def _avif(content):
    """Returns the largest picture; parts of it, and of others, have sizes of their own."""
    places = [match.end() + 4 for match in re.finditer(rb"ispe", content[: 2**20])]
    return max(struct.unpack_from(">II", content, place) for place in places)


def _number(word):
    if not word.isdigit() or len(word) > 9:
        raise ValueError("a size that is no number")
    return int(word)


# How the files of each format begin, and what reads their size.
_FORMATS: list[tuple[re.Pattern[bytes], Callable]] = [
    (re.compile(begins, re.DOTALL), size)
    for begins, size in (
        (rb"\xff\xd8\xff", _jpeg),
        (rb"\x89PNG\r\n\x1a\n....IHDR", _png),
        (rb"GIF8[79]a", _gif),
        (rb"RIFF....WEBPVP8[ LX]", _webp),
        (rb"BM", _bmp),
        (rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]", _tiff),
        (rb"P[1-6Ff]\s", _pnm),
        (rb"P7\s", _pam),
        (rb"#\?R(ADIANCE|GBE)", _hdr),
        (rb"\x59\xa6\x6a\x95", _sun_raster),
        (rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ", _jpeg_2000),
        (rb"....ftyp(avif|avis|mif1).*?(avif|avis)", _avif),
    )
]
