"""A window for the pictures of a camera, where there is a display."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import cv2
import numpy as np

from keras_3dmmstn.cli import terminal

_ESCAPE = 27


class VideoWindow:
    """An open window.

    Args:
        title: title and name of the window.
    """

    def __init__(self, title: str):
        self.title = title

    def show(self, picture: np.ndarray) -> bool:
        """Shows an RGB picture; returns False if the user closed the window or typed q."""
        cv2.imshow(self.title, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        key = cv2.waitKey(1) & 0xFF
        is_open = cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) >= 1
        return key not in (ord("q"), _ESCAPE) and is_open


@contextmanager
def open_window(title: str, is_wanted: bool) -> Iterator[VideoWindow | None]:
    """Yields a window, or None if none is wanted or possible; if not possible, says why."""
    reason = _why_not() if is_wanted else None
    if reason:
        terminal.remark(f"No window is shown: {reason} Ctrl-C ends the recording.")
    if reason or not is_wanted:
        yield None
        return
    try:
        yield VideoWindow(title)
    finally:
        with suppress(cv2.error):
            cv2.destroyAllWindows()


def _why_not():
    """Returns why no window can be opened, or None."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "there is no display."
    try:
        cv2.namedWindow("keras_3dmmstn")
        cv2.destroyWindow("keras_3dmmstn")
    except cv2.error:
        return (
            "this OpenCV has none. `pip uninstall opencv-python-headless` and "
            "`pip install opencv-python` bring one that has."
        )
    return None
