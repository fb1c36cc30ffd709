"""Where a video changes from one scene to another."""

from collections import deque

import cv2
import numpy as np

# Frames are compared at this size, in pixels along a side.
_SIZE = 24
# Least number of samples along a side of each of these pixels.
_SAMPLES = 4
# At this size, pictures of different people have a correlation of 0.06, 94 % of them less than 0.6.
# Neighbouring frames have 0.99; with a shaking head 0.78 and more, with a camera that pans by 8 %
# of the width 0.61 and more.
_SURELY_CUT, _MAYBE_CUT = 0.6, 0.75
# A possible cut is one if the picture changes so many times as much as it typically does.
_MUCH_MORE = 5
_REMEMBERED = 10
# A picture with a smaller standard deviation, in grey levels, is black or of one colour.
_NOTHING = 1.0


class SceneCuts:
    """Detects cuts by the correlation of each frame with the previous one, whatever the light.

    A frame of one colour is not a cut; the frame after it is compared with the one before it.

    Call arguments:
        image: `(height, width, 3)` uint8 RGB, the next frame.

    Returns:
        Whether a new scene begins with this frame; False for the first.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._changes: deque[float] = deque(maxlen=_REMEMBERED)

    def __call__(self, image: np.ndarray) -> bool:
        now, before = _thumbnail(image), self._before
        if now is None:
            return False
        self._before = now
        if before is None:
            return False
        change = 1 - float((before * now).mean())
        typical = float(np.median(self._changes)) if self._changes else change
        is_cut = change > 1 - _SURELY_CUT or (
            change > 1 - _MAYBE_CUT and change > _MUCH_MORE * typical
        )
        if is_cut:
            self._changes.clear()
        else:
            self._changes.append(change)
        return is_cut


def _thumbnail(image):
    """Returns a small grey picture with mean 0 and deviation 1, or None if it is of one colour."""
    step = max(1, min(image.shape[:2]) // (_SAMPLES * _SIZE))
    small = cv2.resize(image[::step, ::step], (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), 1)
    deviation = float(grey.std())
    return (grey - grey.mean()) / deviation if deviation > _NOTHING else None
