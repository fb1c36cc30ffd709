"""Writes videos with a constant frame rate."""

import errno
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn.inference.video.native_paths import native_path

#: Extensions of the videos that can be written, and their codecs: MPEG-4 is fast to write, and VP8
#: plays in browsers.
CODECS = {".mp4": "mp4v", ".webm": "VP80"}
# A picture is shown for at most so many seconds until the next one comes.
_LONGEST_GAP = 10.0


class VideoWriter:
    """Writes the pictures of a video at the times when they are shown.

    The frame rate is constant: a picture that is shown for longer is repeated, and one that is
    immediately followed by the next is left out.

    Args:
        path: the file, with one of the extensions of `CODECS`.
        rate: pictures per second.

    Raises:
        ValueError: if the file has a different extension.
        OSError: if the file cannot be written.
    """

    def __init__(self, path: Path, rate: float):
        if path.suffix not in CODECS:
            raise ValueError(f"Expected a video {' or '.join(CODECS)}, received {path}.")
        self.path, self.rate = path, rate
        self._writer: cv2.VideoWriter | None = None
        self._size = 0, 0
        self._picture: np.ndarray | None = None
        self._written, self._began, self._last = 0, 0.0, 0.0

    def write(self, time: float, picture: np.ndarray) -> None:
        """Adds a picture `(height, width, 3)` uint8 RGB, which is shown from `time` on, seconds.

        All get the size of the first one: larger or smaller ones are fitted into it.
        """
        if self._writer is None:
            self._open(picture)
            self._began = time
        elif time - self._last > _LONGEST_GAP:
            self._began += time - self._last - _LONGEST_GAP
        self._last = time
        self._hold_until(round((time - self._began) * self.rate))
        self._picture = self._fitted(picture)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; 0 before the first picture."""
        return self._size

    def close(self) -> None:
        """Ends the file; the last picture is shown for one frame.

        Raises:
            OSError: if the file was not written completely, for example because the disk is full.
        """
        if self._writer is not None:
            self._hold_until(self._written + 1)
            self.release()
            with native_path(self.path) as path:
                capture = cv2.VideoCapture(path)
                count = capture.get(cv2.CAP_PROP_FRAME_COUNT) if capture.isOpened() else 0
                capture.release()
            # For other formats the count is only an estimate.
            if count != self._written if self.path.suffix == ".mp4" else not count:
                raise OSError(
                    errno.EIO, "The video could not be written whole; the disk may be full",
                    str(self.path),
                )  # fmt: skip

    def release(self) -> None:
        """Ends the file as it is."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None

    def _open(self, picture):
        height, width = picture.shape[:2]
        self._size = width + width % 2, height + height % 2  # codecs need even numbers
        code = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix])
        with native_path(self.path) as path:
            self._writer = cv2.VideoWriter(path, code, self.rate, self._size)
        if not self._writer.isOpened():
            raise OSError(
                errno.EIO, "The video cannot be written; the disk may be full", str(self.path)
            )

    def _hold_until(self, count):
        """Repeats the picture until there are `count` pictures."""
        while self._writer is not None and self._picture is not None and self._written < count:
            self._writer.write(self._picture)
            self._written += 1

    def _fitted(self, picture):
        """Returns a picture as BGR, padded by a row and column or resized to the video's size."""
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        width, height = self._size
        down, right = height - picture.shape[0], width - picture.shape[1]
        if down in (0, 1) and right in (0, 1):
            return cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_REPLICATE)
        return cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
