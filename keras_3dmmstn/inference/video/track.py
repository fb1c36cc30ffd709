"""From the frames of a video to their faces, tracked and smoothed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.inference.detection import Detector
from keras_3dmmstn.inference.face_fitter import FaceFitter
from keras_3dmmstn.inference.looking import FacesInPhotographs
from keras_3dmmstn.inference.video.face_tracker import FaceTracker
from keras_3dmmstn.inference.video.scene_cuts import SceneCuts
from keras_3dmmstn.inference.video.sighting import Sighting
from keras_3dmmstn.inference.video.smoothing import Smoothing
from keras_3dmmstn.inference.video.tracked_frame import TrackedFrame
from keras_3dmmstn.network import framing
from keras_3dmmstn.network.localiser_answers import Answers


@dataclass(frozen=True, eq=False)
class _Seen:
    """A frame whose faces are found but not yet smoothed."""

    number: int
    time: float
    image: np.ndarray
    faces: dict[int, Sighting]
    is_cut: bool


class VideoDescriber:
    """Turns sightings into faces with textures and masks, smoothed with the neighbouring frames.

    Args:
        fitter: the network and the face model.
        smoothing: of θ.
        texture_size, fill: as for `Normaliser`.
    """

    def __init__(
        self,
        fitter: FaceFitter,
        smoothing: Smoothing,
        texture_size: int | None,
        fill: str | None,
    ):
        self._fitter, self._smoothing = fitter, smoothing
        self._texture_size, self._fill = texture_size, fill

    def __call__(self, before: _Seen | None, now: _Seen, after: _Seen | None) -> TrackedFrame:
        """Returns a frame with its faces; the frames before and after it may be None."""
        seen = list(now.faces.values())
        if not seen:
            return TrackedFrame(now.number, now.time, now.image, {}, now.is_cut)
        thetas = np.stack([self._smoothed(number, before, now, after) for number in now.faces])
        matrices = np.stack([face.matrix for face in seen])
        faces = FacesInPhotographs(
            np.zeros(len(seen), int),
            np.stack([face.box for face in seen]),
            matrices,
            [face.score for face in seen],
            np.zeros(len(seen), bool),
        )
        said = ([face.confidence for face in seen], [face.spread for face in seen])
        sure, spread = (
            None if any(one is None for one in values) else np.array(values, np.float32)
            for values in said
        )
        fitted = self._fitter.generate(
            Answers(framing.parameters_in_crop(thetas, matrices), sure, spread)
        )
        described = self._fitter.describe(
            [now.image], faces, fitted, self._texture_size, self._fill
        )
        named = dict(zip(now.faces, described, strict=True))
        return TrackedFrame(now.number, now.time, now.image, named, now.is_cut)

    def _smoothed(self, number, before, now, after):
        """Returns θ of a face, smoothed if the frames before and after also show it."""
        own = now.faces[number]
        if before is None or after is None or now.is_cut or after.is_cut:
            return own.parameters
        if number not in before.faces or number not in after.faces:
            return own.parameters
        times = before.time, now.time, after.time
        return self._smoothing(before.faces[number], own, after.faces[number], times)


def track(
    frames: Iterable[tuple[float, np.ndarray]],
    fitter: FaceFitter,
    detector: Detector,
    describe: VideoDescriber,
) -> Iterator[TrackedFrame]:
    """Tracks the faces of a video, see `Normaliser.track`.

    Args:
        frames: time in seconds and picture `(height, width, 3)` uint8 RGB of each.
        fitter, detector: find and fit the faces.
        describe: makes the results.

    Yields:
        The frames, each once the next one has been read.
    """
    tracker, cuts = FaceTracker(fitter, detector), SceneCuts()
    before: _Seen | None = None
    now: _Seen | None = None
    for number, (time, image) in enumerate(frames):
        is_cut = cuts(image)
        after = _Seen(number, time, image, tracker(image, time, is_cut), is_cut)
        if now is not None:
            yield describe(before, now, after)
        before, now = now, after
    if now is not None:
        yield describe(before, now, None)
