"""The results for one frame of a video."""

from dataclasses import dataclass, field

import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """A frame of a video and its faces.

    Attributes:
        number: of the frame, counted from 0.
        time: when it is shown, in seconds.
        image: `(height, width, 3)` uint8 RGB.
        faces: number of a face to the face, smoothed. A face has the same number in all frames of
            a scene in which it is tracked; numbers count from 1.
        is_cut: whether a new scene begins with this frame.
    """

    number: int
    time: float
    image: np.ndarray = field(repr=False)
    faces: dict[int, NormalisedFace] = field(repr=False)
    is_cut: bool = False
