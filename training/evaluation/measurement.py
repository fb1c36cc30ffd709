"""The landmark error of a normaliser on labelled photographs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from keras_3dmmstn.inference.looking import FacesInPhotographs, all_faces
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.head_pose import yaw_of_rotation
from keras_3dmmstn.mesh.landmark_sets import MIRROR
from keras_3dmmstn.network.framing import points_in_photograph
from keras_3dmmstn.training.data.crops import Skipped
from keras_3dmmstn.training.data.labelled_faces import LANDMARK_SET, LabelledFaces
from keras_3dmmstn.training.evaluation import error_measures
from keras_3dmmstn.training.evaluation.framed_faces import (
    FramedFace,
    frame_faces,
    random_moves,
)

#: Labels of less confidence, as on CFP's jawbone, frame a face but are not measured.
LEAST_CONFIDENCE = 0.1

# The index of yaw in the pose that comes with labels.
_YAW = 2
# Faces that go through the network together, with their photographs in memory.
_BATCH = 16


@dataclass(frozen=True, eq=False)
class Measurement:
    """Predicted landmarks beside labelled ones, for n faces.

    Attributes:
        faces: the faces that were measured.
        boxes: `(n, 4)` x0, y0, x1, y1, the tight boxes of the labelled points.
        frames: `(n, 4)` boxes by which the faces were framed; equal to `boxes` unless others were
            given.
        predicted: `(n, 89, 2)` landmarks in pixels of the photographs, framed by `frames`.
        predicted_when_moved: the same, framed by boxes that were moved and scaled at random.
        labelled_yaw: `(n,)` degrees, NaN where there is no label.
        fitted_yaw: `(n,)` degrees.
        skipped: the faces that were not measured.
    """

    faces: LabelledFaces
    boxes: np.ndarray
    frames: np.ndarray
    predicted: np.ndarray
    predicted_when_moved: np.ndarray
    labelled_yaw: np.ndarray
    fitted_yaw: np.ndarray
    skipped: tuple[Skipped, ...] = ()

    @property
    def yaw(self) -> np.ndarray:
        """Yaw `(n,)` in degrees, from the labels if they have it, otherwise from the fit."""
        return np.where(self.yaw_is_labelled, self.labelled_yaw, self.fitted_yaw)

    @property
    def yaw_is_labelled(self) -> np.ndarray:
        """Whether the labels have a yaw, `(n,)` bool."""
        return np.isfinite(self.labelled_yaw)

    @property
    def yaw_errors(self) -> np.ndarray:
        """How much the fitted |yaw| is too large `(n,)`, degrees, NaN where it is not labelled.

        Signs are ignored because they differ between data sets.
        """
        return np.abs(self.fitted_yaw) - np.abs(self.labelled_yaw)

    @property
    def errors(self) -> np.ndarray:
        """Errors `(n, 89)` in % of sqrt(w·h) of the boxes, NaN where a point is not labelled.

        They are also NaN where the label has a confidence below `LEAST_CONFIDENCE`.
        """
        return error_measures.relative_errors(self._distances(self.predicted), self.boxes)

    @property
    def errors_with_moved_boxes(self) -> np.ndarray:
        """The same errors for the moved and scaled boxes."""
        distances = self._distances(self.predicted_when_moved)
        return error_measures.relative_errors(distances, self.boxes)

    @property
    def pixels(self) -> np.ndarray:
        """Errors `(n, 89)` in pixels at 224, in the paper's framing."""
        return error_measures.paper_pixels(self._distances(self.predicted), self.boxes)

    def _distances(self, points):
        labels = self.faces.landmarks
        distances = np.linalg.norm(points - labels[..., :2], axis=-1)
        return np.where(labels[..., 2] >= LEAST_CONFIDENCE, distances, np.nan)


def measure(
    normaliser: Normaliser,
    faces: LabelledFaces,
    box_noise: float = 0.1,
    seed: int = 0,
    jaw: str = "apparent",
    frames: np.ndarray | None = None,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> Measurement:
    """Predicts the landmarks of labelled faces, framed by their labels.

    Each face is framed twice: by its box, and by that box moved by up to `box_noise` of its width
    and height and scaled by a factor in 1 ± `box_noise`, all uniform.

    Args:
        normaliser: the normaliser to measure.
        faces: photographs with labels.
        box_noise: how far boxes are moved and scaled.
        seed: seed for moving and scaling.
        jaw: "apparent" if people labelled the jaw line on the visible contour of a turned face;
            "fixed" if the labels are those of a fitted 3D face, as in AFLW2000-3D.
        frames: `(n, 4)` boxes to frame the faces by, such as those of all 68 points estimated from
            fewer; the tight boxes of their labelled points if None. Errors are always relative to
            the latter.
        progress: called on the sequence of faces that is iterated over, to show progress.

    Raises:
        ValueError: if the face model lacks a landmark set that is labelled, `jaw` is unknown, or
            no face can be measured.
    """
    _check(normaliser.grid_model, faces, jaw)
    moves = random_moves(len(faces), box_noise, seed)
    skipped = list(faces.skipped)
    framed = frame_faces(faces, moves, skipped, progress, frames)
    kept, boxes, points, yaw = [], [], [], []
    for batch in _batches(framed):
        batch_points, rotations = _predict(normaliser, batch, jaw)
        points.append(batch_points)
        yaw.append(np.degrees(yaw_of_rotation(rotations[::2])))
        kept += [face.number for face in batch]
        boxes += [face.box for face in batch]
    if not kept:
        reason = "".join(f" {face}." for face in skipped[:1])
        raise ValueError(f"Expected at least one face that can be measured, received none.{reason}")
    measured = faces.choose(kept)
    together = np.concatenate(points)
    return Measurement(
        faces=measured,
        boxes=np.stack(boxes),
        frames=np.stack(boxes) if frames is None else frames[kept],
        predicted=together[::2],
        predicted_when_moved=together[1::2],
        labelled_yaw=np.degrees(measured.pose[:, _YAW]),
        fitted_yaw=np.concatenate(yaw),
        skipped=tuple(skipped),
    )


def _batches(faces: Iterable[FramedFace]) -> Iterator[list[FramedFace]]:
    """Yields runs of faces that go through the network together."""
    iterator = iter(faces)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _predict(normaliser, batch, jaw):
    """Returns points `(2b, 89, 2)` in pixels of the photographs and rotations `(2b, 3, 3)`."""
    framed = all_faces(
        [FacesInPhotographs.in_boxes(face.frames, normaliser.image_size) for face in batch]
    )
    framed, fitted = normaliser.fit_framed([face.photograph for face in batch], framed)
    vertices = _landmark_vertices(normaliser.grid_model, fitted, jaw)
    points = np.take_along_axis(fitted.points, vertices[..., None], axis=1)
    return points_in_photograph(points, framed.matrices), fitted.rotations


def _landmark_vertices(model, fitted, jaw):
    """Returns the vertices `(n, 89)` of the landmarks, 0 for sets that the model lacks."""
    sets = []
    for name in LANDMARK_SET.split("+"):
        if name not in model.landmarks:
            sets.append(np.zeros((len(fitted), len(MIRROR[name])), int))
        elif jaw == "apparent":
            sets.append(fitted.landmark_indices[name])
        else:
            sets.append(np.tile(model.landmarks[name], (len(fitted), 1)))
    return np.concatenate(sets, axis=1)


def _check(model, faces, jaw):
    """Raises a ValueError if `jaw` is unknown or the model lacks a set that is labelled."""
    if jaw not in ("apparent", "fixed"):
        raise ValueError(f'Expected jaw "apparent" or "fixed", received {jaw!r}.')
    first = 0
    for name in LANDMARK_SET.split("+"):
        columns = slice(first, first + len(MIRROR[name]))
        first = columns.stop
        if name not in model.landmarks and (faces.landmarks[:, columns, 2] > 0).any():
            known = ", ".join(model.landmarks) or "none"
            raise ValueError(
                f"Expected a face model with landmarks {name}, received one with {known}."
            )
