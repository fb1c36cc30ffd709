"""WebP and JPEG 2000 files whose data end before the picture does.

Decoders take what lies there for data: a download into a file that had its whole length before
leaves zeros, and the picture has a rest that is plain, or noise.
"""

#: So many bytes of 0 at the end of compressed data are none: no encoder of photographs writes them.
ZEROS = bytes(256)

_WEBP_DATA = (b"VP8 ", b"VP8L", b"ALPH", b"ANMF")
_SIGNATURE_BOX, _STREAM_BOX = b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"jp2c"
_END_OF_STREAM = b"\xff\xd9"


def lacks_end(content: bytes) -> str:
    """Returns the format of a WebP or JPEG 2000 file that is cut off; "" for any other file.

    Args:
        content: the bytes of an image file.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP" if any(map(_ends_in_zeros, _webp_data(content))) else ""
    if content.startswith(_SIGNATURE_BOX):
        stream = _jpeg_2000_stream(content)
        # Without its end, it may go on with anything.
        is_whole = stream.endswith(_END_OF_STREAM) and not _ends_in_zeros(stream[:-2])
        return "" if is_whole else "JPEG 2000"
    return ""


def _ends_in_zeros(data):
    return data.endswith(ZEROS)


def _webp_data(content):
    """Yields the parts of a WebP file that hold pictures; each has a name and its length before."""
    place = 12
    while place + 8 <= len(content):
        length = int.from_bytes(content[place + 4 : place + 8], "little")
        if content[place : place + 4] in _WEBP_DATA:
            yield content[place + 8 : place + 8 + length]
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
