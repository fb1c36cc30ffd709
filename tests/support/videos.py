"""Videos that are made for a test, and their frames."""

import struct

import cv2
import numpy as np

from keras_3dmmstn.drawing.video.video_writer import VideoWriter
from keras_3dmmstn.inference.video.native_paths import native_path
from tests.support.portraits import on_canvas, portrait


def moving_portrait(count=8, step=(3, 1), size=(320, 360)):
    """Frames in which the portrait moves by a step (x, y) each, on a grey canvas."""
    picture = portrait()
    return [
        on_canvas([(picture, (number * step[0], number * step[1]))], *size)
        for number in range(count)
    ]


def numbered_frames(count=10, side=64):
    """Frames that are grey, each lighter than the one before: level 20 + 15 k."""
    return [np.full((side, side, 3), 20 + 15 * number, np.uint8) for number in range(count)]


def write_video(path, frames, rate=25.0):
    """Writes frames, RGB, to a file whose ending says the format."""
    writer = VideoWriter(path, rate)
    for number, frame in enumerate(frames):
        writer.write(number / rate, frame)
    writer.close()
    return path


def write_damaged_video(path):
    """Writes an MP4 of ten noisy frames, of which the data of the second half are zeros."""
    rng = np.random.default_rng(0)
    write_video(path, [rng.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(10)])
    content = bytearray(path.read_bytes())
    start, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    half = start + (end - start) // 2
    content[half:end] = bytes(end - half)
    path.write_bytes(content)
    return path


def frame_levels(path):
    """The mean levels of a video's frames, as OpenCV reads them."""
    with native_path(path) as readable:
        capture, levels = cv2.VideoCapture(readable), []
    while True:
        is_read, picture = capture.read()
        if not is_read:
            return levels
        levels.append(float(picture.mean()))


def turn_by_header(path):
    """Makes an MP4 say that it is to be turned a quarter clockwise, as phones do."""
    content = bytearray(path.read_bytes())
    # The matrix of a track's header, in fixed-point numbers, follows 40 bytes of other fields.
    start = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    content[start : start + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def slow_down_by_header(path, count):
    """Makes an MP4 show the last `count` of its frames twice as long as the others."""
    content = bytearray(path.read_bytes())
    start = content.index(b"stts") + 8
    entries, frames, duration = struct.unpack_from(">3i", content, start)
    assert entries == 1
    table = struct.pack(">5i", 2, frames - count, duration, count, 2 * duration)
    # The box grows by one entry, and so do those that hold it.
    content[start : start + 12] = table
    for name in (b"stts", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        place = content.index(name) - 4
        (size,) = struct.unpack_from(">I", content, place)
        struct.pack_into(">I", content, place, size + 8)
    assert content.index(b"mdat") < content.index(b"moov"), "offsets would have to grow"
    path.write_bytes(content)
