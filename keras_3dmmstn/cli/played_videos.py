"""What `video` does with each video and with a camera."""

import itertools
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import cv2

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.video_window import open_window
from keras_3dmmstn.drawing.results.files import source_in
from keras_3dmmstn.drawing.video.results import ShownVideo, VideoResults
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.threads import ahead
from keras_3dmmstn.inference.video.frames import Camera, VideoFile

# Exceptions that a video, or the folder for the results, can cause.
_FAILURES = (OSError, ValueError, TypeError, MemoryError, cv2.error)


class Player:
    """Plays videos and writes what is found in them.

    Args:
        normaliser: finds and follows the faces.
        smoothing: as for `Normaliser.track`.
        out: folder for the results, None for a camera that is only shown.
        suffix: file suffix of the videos that are written.
        overlay, textures: whether these are written.
    """

    def __init__(
        self,
        normaliser: Normaliser,
        smoothing: float,
        out: Path | None,
        suffix: str,
        overlay: bool,
        textures: bool,
    ):
        self._normaliser, self._smoothing, self._out = normaliser, smoothing, out
        self._suffix, self._overlay, self._textures = suffix, overlay, textures
        self._names: dict[str, str] = {}

    def play_file(self, path: Path, progress: Callable[[Iterable, int | None], Iterable]) -> bool:
        """Writes the results of a video file; prints their paths, or why it failed.

        Returns:
            Whether it succeeded.
        """
        try:
            video = VideoFile(path)
            with self._results(path.stem, self._source(path), video.rate) as results:
                # Reading, fitting and drawing run side by side.
                frames = ahead(self._track(ahead(video), video.rate))
                for frame in progress(frames, video.count):
                    results.add(frame)
                written = results.finish(video.damaged, video.missing)
        except _FAILURES as error:
            terminal.note(terminal.message_of(error, about=path))
            return False
        if video.missing:
            numbers = ", ".join(map(str, video.damaged[:20]))
            which = f" (frames {numbers})" if video.damaged else ""
            terminal.remark(f"{terminal.printable(path)}: {video.missing} of {video.count} frames "
                            f"could not be read{which}; they are left out.")  # fmt: skip
        self._tell(results, written)
        return True

    def play_camera(self, source: str, with_window: bool) -> None:
        """Shows a camera until it ends or the user ends it, and writes the results if any."""
        with terminal.failing_on(*_FAILURES):
            camera = Camera(int(source) if source.isdecimal() else source)
        with open_window(f"camera {_public(source)}", with_window) as window:
            if window is None and self._out is None:
                terminal.fail("Expected --out, a folder for the results: there is no window.")
            # A recording cannot be repeated: each gets its own name.
            began = time.strftime("%Y%m%d-%H%M%S")
            name = f"camera-{source}-{began}" if source.isdecimal() else f"camera-{began}"
            with (
                terminal.failing_on(*_FAILURES),
                self._results(
                    name, f"camera {_public(source)}, {began}", camera.rate, window is not None
                ) as results,
            ):
                self._play_until_stopped(camera, results, window)
                written = results.finish([], 0) if self._out else []
        camera.close()
        self._tell(results, written)

    def _play_until_stopped(self, camera, results, window):
        try:
            for frame in self._track(camera, camera.rate):  # none is held back
                picture = results.add(frame)
                if window is not None and not window.show(picture):
                    return
        except KeyboardInterrupt:
            if window is not None:
                raise
            # Without a window, this is how a recording ends.

    def _track(self, frames, rate):
        return self._normaliser.track(frames, rate, self._smoothing)

    def _source(self, path):
        """Returns the name of a video in its results."""
        return source_in(self._out or Path(), path)

    def _results(self, stem, source, rate, is_shown=False):
        """Returns where results are written; without a folder, nothing is written."""
        if self._out is None:
            return ShownVideo()
        name = self._name(stem, source)
        overlay = self._overlay or is_shown
        return VideoResults(self._out, name, source, rate, self._suffix, overlay, self._textures)

    def _name(self, stem, source):
        """Returns a prefix for the names of a video's results that no other video has."""
        names = (stem if count == 1 else f"{stem}-{count}" for count in itertools.count(1))
        name = next(name for name in names if self._names.get(name, source) == source)
        self._names[name] = source
        return name

    def _tell(self, results, written):
        """Prints the files that were written, and says so if no face was found."""
        for path in written:
            terminal.tell_if_possible(path)
        if written and not results.people:
            terminal.remark("No face was found.")


def _public(source):
    """Returns a camera's name without the user's credentials in a URL."""
    if "://" not in source:
        return source
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
