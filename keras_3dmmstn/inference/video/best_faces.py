"""The best views of a face in a video."""

import itertools

import cv2
import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.mesh import GridModel

# Yaw and pitch are divided into steps of so many degrees; for each step, so many frames are kept.
_STEP, _KEPT = 15.0, 3
# Frames closer in time show the same, in seconds.
_APART = 0.4


class BestFaces:
    """Keeps a few views of one face, from all sides that a video shows.

    For each 15° of yaw and of pitch, the three best are kept, at least 0.4 s apart. They are ranked
    by √(w·h) in pixels × the confidence × a measure of sharpness, the root mean square of the
    Laplacian of the texture's brightness over its standard deviation.
    """

    def __init__(self) -> None:
        self._views: dict[tuple[int, int], list[tuple[float, float, NormalisedFace]]] = {}

    def add(self, time: float, face: NormalisedFace) -> None:
        """Adds the face of the frame at `time`, in seconds."""
        key = round(face.pose.yaw / _STEP), round(face.pose.pitch / _STEP)
        views = self._views.setdefault(key, [])
        value = _value(face)
        near = [view for view in views if abs(view[1] - time) < _APART]
        if any(view[0] >= value for view in near):
            return
        views[:] = [view for view in views if view not in near]
        views.append((value, time, face))
        views.sort(key=lambda view: -view[0])
        del views[_KEPT:]

    @property
    def grid_model(self) -> GridModel:
        """The face model of the faces."""
        return next(face.grid_model for face in self.faces() if face.grid_model is not None)

    def faces(self) -> list[NormalisedFace]:
        """Returns the kept faces."""
        return [face for *_, face in itertools.chain(*self._views.values())]


def _value(face):
    """Returns the quality of a view of a face."""
    grey = cv2.cvtColor(face.texture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inner = cv2.erode(face.mask.astype(np.uint8), np.ones((5, 5))) > 0
    if not inner.any():
        return 0.0
    edges = cv2.Laplacian(grey, cv2.CV_32F)[inner]
    sharpness = float(np.sqrt((edges**2).mean()) / max(float(grey[inner].std()), 1.0))
    size = float(np.sqrt(np.prod(face.box[2:] - face.box[:2])))
    sure = 1.0 if face.confidence is None else face.confidence
    return size * sure * sharpness
