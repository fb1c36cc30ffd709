"""WebP and JPEG 2000 files whose data end too early.

An interrupted download into a file of preallocated length leaves zeros. Decoders take these for
data, and the rest of the picture is plain, or noise.
"""

import cv2
import numpy as np

#: So many zero bytes at the end are not compressed data: no encoder of photographs writes them.
ZEROS = bytes(256)
# A lossless WebP is an exception: a plain part may be zeros, and needs all of them but a few.
_FEW_ZEROS = 16

# An alpha plane may also end in zeros, and the picture follows it.
_LOSSLESS = b"VP8L"
_WEBP_DATA = (b"VP8 ", _LOSSLESS)
_SIGNATURE_BOX, _STREAM_BOX = b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"jp2c"
_END_OF_STREAM = b"\xff\xd9"


def lacks_end(content: bytes) -> str:
    """Returns the format of a WebP or JPEG 2000 file that is cut off; "" for any other file.

    Args:
        content: the bytes of an image file.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP" if any(_is_cut_off(*part) for part in _webp_data(content)) else ""
    if content.startswith(_SIGNATURE_BOX):
        stream = _jpeg_2000_stream(content)
        # Without its end marker, the stream may continue with anything.
        is_whole = stream.endswith(_END_OF_STREAM) and not _ends_in_zeros(stream[:-2])
        return "" if is_whole else "JPEG 2000"
    return ""


def _ends_in_zeros(data):
    return data.endswith(ZEROS)


def _is_cut_off(name, data):
    """Returns whether a chunk of a WebP file ends in zeros that its picture does not need."""
    if not _ends_in_zeros(data):
        return False
    if name != _LOSSLESS:
        return True
    fewer = data[: (len(data) - _FEW_ZEROS) // 2 * 2]  # chunks have an even length
    part = b"WEBP" + name + len(fewer).to_bytes(4, "little") + fewer
    file = b"RIFF" + len(part).to_bytes(4, "little") + part
    return cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR) is not None


def _webp_data(content, place=12):
    """Yields name and data of the chunks of a WebP file that hold pictures, also in its frames."""
    while place + 8 <= len(content):
        length = int.from_bytes(content[place + 4 : place + 8], "little")
        name, data = content[place : place + 4], content[place + 8 : place + 8 + length]
        if name == b"ANMF":
            yield from _webp_data(data, 16)
        elif name in _WEBP_DATA:
            yield name, data
        place += 8 + length + length % 2


def _jpeg_2000_stream(content):
    """Returns the compressed data in a JP2 file, a chain of boxes with length and name."""
    place = 0
    while place + 8 <= len(content):
        length, head = int.from_bytes(content[place : place + 4], "big"), 8
        if length == 1:  # the length follows, in 8 bytes
            length, head = int.from_bytes(content[place + 8 : place + 16], "big"), 16
        end = place + length if length else len(content)
        if content[place + 4 : place + 8] == _STREAM_BOX:
            return content[place + head : end]
        if end <= place:
            break
        place = end
    return b""
