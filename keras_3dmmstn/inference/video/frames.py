"""The frames of video files and cameras, with their times."""

import codecs
import time
from collections.abc import Iterable, Iterator
from numbers import Real
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn.inference.photograph import as_photograph
from keras_3dmmstn.inference.video.native_paths import native_path
from keras_3dmmstn.outside_files import MAX_MEGAPIXELS, limit, open_file

# Frames per second of a video whose rate is missing or nonsense, and the highest plausible rate.
_USUAL_RATE, _HIGHEST_RATE = 25.0, 1000.0
# After so many failures in a row, the video counts as ended.
_PATIENCE = 20
# Bytes of a file by which a text is recognised.
_BEGINNING = 4096
# These containers list their frames; others give their number only to within this share.
_LISTS_FRAMES, _SHARE = (".m4v", ".mov", ".mp4"), 0.02


class VideoFile:
    """A video file of any format that OpenCV reads, turned upright if it says so.

    Iterating yields the frames: the time in seconds at which each is shown, from the file, and the
    picture `(height, width, 3)` uint8 RGB. Frames that cannot be decoded are skipped. Each
    iteration begins at the first frame.

    Args:
        path: the file.

    Attributes:
        path: as given.
        rate: average frames per second according to the file; 25 if it does not say.
        count: number of frames according to the file; None if it does not say.
        damaged: in the last iteration, numbers of the frames that failed although others followed,
            counted from 0.
        missing: in the last iteration, how many fewer frames there were than the file says,
            including the damaged ones.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a video that OpenCV reads; is a picture, a text, a folder, a pipe
            or a device; or has frames of more pixels than photographs may have; while iterating,
            if it has no frames.
    """

    def __init__(self, path: str | Path):
        with open_file(path) as file:
            if _is_text(file.read(_BEGINNING)):
                raise ValueError(f"{path}: expected a video, received a text.")
        self.path = Path(path)
        self.damaged: list[int] = []
        self.missing = 0
        capture = self._opened(
            f"{path}: expected a video, received a file that OpenCV does not read, or a damaged "
            "one."
        )
        self.rate = _rate(capture)
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.count = int(count) if 0 < count < 2**31 else None
        is_picture = _is_picture(capture, self.path)
        capture.release()
        if is_picture:
            raise ValueError(f"{path}: expected a video, received a picture.")

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        self.damaged, self.missing = [], 0
        capture = self._opened(f"{self.path}: the video can no longer be read.")
        last, read, failures = -np.inf, 0, 0
        try:
            while failures <= _PATIENCE:
                picture = _next_picture(capture)
                if picture is None:
                    failures += 1
                    continue
                self.damaged += range(read + len(self.damaged), read + len(self.damaged) + failures)
                read, failures = read + 1, 0
                shown = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                # Some files have no times, or times that do not increase.
                last = shown if last < shown < np.inf else max(last, 0) + 1 / self.rate
                yield last, picture
            if not read:
                raise ValueError(
                    f"{self.path}: expected a video, received one without a frame that OpenCV "
                    "decodes."
                )
            self.missing = self._missing(read)
        finally:
            capture.release()

    def _opened(self, refusal):
        with native_path(self.path) as path:
            return _open(path, refusal)

    def _missing(self, read):
        """Returns how many of the frames that the file announces are missing."""
        missing = (self.count or 0) - read
        allowed = 0 if self.path.suffix.lower() in _LISTS_FRAMES else _SHARE * read + 1
        return max(missing, 0) if missing > allowed else len(self.damaged)


class Camera:
    """A camera, or a stream from the network, as OpenCV opens it.

    Iterating yields frames as for `VideoFile`, with the times at which they arrived, until the
    camera delivers no more.

    Args:
        source: number of the camera, 0 for the first one, or the URL of a stream.

    Raises:
        ValueError: if there is no such camera, or access is denied.
    """

    def __init__(self, source: int | str):
        self.source = source
        self._capture = _open(
            source, f"Expected a camera, found none that can be used as {source!r}."
        )
        self.rate = _rate(self._capture)

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        began, failures = time.monotonic(), 0
        while failures <= _PATIENCE:
            picture = _next_picture(self._capture)
            if picture is None:
                failures += 1
                continue
            failures = 0
            yield time.monotonic() - began, picture

    def close(self) -> None:
        """Releases the camera."""
        self._capture.release()


def timed(
    frames: Iterable[np.ndarray | tuple[float, np.ndarray]], rate: float
) -> Iterator[tuple[float, np.ndarray]]:
    """Yields frames with their times, checked.

    Args:
        frames: pictures, or pairs of a time in seconds and a picture.
        rate: frames per second of pictures without times.

    Raises:
        TypeError: if these are not frames, or one is not a picture.
        ValueError: if the rate is not positive, `frames` is a single picture, or a time is not
            later than the previous one.
    """
    is_number = all(isinstance(value, Real) for value in (rate,))
    if not (is_number and 0 < rate < np.inf):
        raise ValueError(f"Expected a positive number of frames a second, received {rate!r}.")
    if isinstance(frames, str | Path):
        raise TypeError(
            f"Expected the frames of a video, received the path {str(frames)!r}: VideoFile(path) "
            "reads them."
        )
    if isinstance(frames, np.ndarray) and frames.ndim < 4:
        raise ValueError(
            f"Expected the frames of a video, received one picture, of shape {frames.shape}."
        )
    if not isinstance(frames, Iterable):
        raise TypeError(f"Expected the frames of a video, received {type(frames).__name__}.")
    return _timed(frames, float(rate))


def _timed(frames, rate):
    last = -np.inf
    for number, frame in enumerate(frames):
        shown, picture = _pair(frame) if isinstance(frame, tuple) else (number / rate, frame)
        if not last < shown < np.inf:
            raise ValueError(
                f"Expected the time of frame {number} after {last:g} s, received {shown!r}."
            )
        if not isinstance(picture, np.ndarray):
            raise TypeError(
                f"Expected frame {number} as an RGB uint8 array, received {type(picture).__name__}."
            )
        last = shown
        yield shown, as_photograph(picture).copy()  # frames are kept for a while


def _pair(frame):
    """Returns time and picture, or raises a TypeError."""
    if len(frame) != 2 or not isinstance(frame[0], Real):
        kinds = ", ".join(type(part).__name__ for part in frame)
        raise TypeError(
            f"Expected a pair of the time in seconds and an RGB uint8 array, received ({kinds})."
        )
    return float(frame[0]), frame[1]


def _open(source, refusal):
    """Opens a video or a camera, or raises a ValueError with the message `refusal`."""
    try:
        capture = cv2.VideoCapture(source)
        is_open = capture.isOpened()
    except (cv2.error, UnicodeError, TypeError):
        is_open = False
    if not is_open:
        raise ValueError(refusal)
    pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if not 0 <= pixels <= limit(MAX_MEGAPIXELS) * 1e6:
        capture.release()
        raise ValueError(
            f"{source}: expected frames of at most {limit(MAX_MEGAPIXELS):g} megapixels, received "
            f"{pixels / 1e6:.0f}. The environment variable {MAX_MEGAPIXELS} raises the limit."
        )
    return capture


def _is_text(beginning):
    """Returns whether a file begins as a text: FFmpeg would draw it, or open a list of videos."""
    if not beginning or b"\0" in beginning or beginning.startswith(b"YUV4MPEG2"):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)  # its last letter may be cut
    except UnicodeDecodeError:
        return False
    return True


def _is_picture(capture, path):
    """Returns whether a file is a picture, which FFmpeg would open as a video of one frame."""
    with native_path(path) as name:
        return cv2.haveImageReader(name) and not (capture.grab() and capture.grab())


def _next_picture(capture):
    """Returns the next frame as RGB, or None if it cannot be read."""
    try:
        is_read, picture = capture.read()
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if is_read else None
    except cv2.error:
        return None


def _rate(capture):
    rate = capture.get(cv2.CAP_PROP_FPS)
    return float(rate) if 0 < rate <= _HIGHEST_RATE else _USUAL_RATE
