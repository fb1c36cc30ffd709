"""Photographs with labelled landmarks from any data set."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from keras_3dmmstn.mesh.landmark_sets import (
    AFLW21_NAMES,
    IBUG68_COUNT,
    LANDMARK_COUNT,
    LANDMARK_SET,
    NOSE_TIP,
)
from keras_3dmmstn.training.data.skipped import Skipped

_FIVE_NAMES = (
    "left eye centre",
    "right eye centre",
    "nose centre",
    "mouth left corner",
    "mouth right corner",
)
#: Indices in `LANDMARK_SET` of eye centres, nose tip and mouth corners: image-left first.
FIVE_POINTS = tuple(IBUG68_COUNT + AFLW21_NAMES.index(name) for name in _FIVE_NAMES)
# The same among the 68 points; an eye's centre is that of its outline.
_FIVE_OF_68 = (range(36, 42), range(42, 48), (NOSE_TIP,), (48,), (54,))

_PLACES = {
    LANDMARK_SET: np.arange(LANDMARK_COUNT),
    "ibug68": np.arange(IBUG68_COUNT),
    "aflw21": np.arange(IBUG68_COUNT, LANDMARK_COUNT),
    "five points": np.array(FIVE_POINTS),
}

# Stands for an array of NaN until the number of faces is known.
_NONE = cast(np.ndarray, None)


@dataclass(frozen=True)
class LabelledFaces:
    """Labelled faces in photographs; a photograph with several faces occurs several times.

    Attributes:
        paths: the photograph of each face.
        landmarks: `(faces, 89, 3)` float32 in the order of `LANDMARK_SET`: x, y in pixels of the
            photograph as its file stores them (the centre of the top-left pixel is (0, 0); an
            EXIF orientation is ignored) and confidence, 0 where a point is not labelled. A point
            that is not finite counts as not labelled. `joint_landmarks` makes them from 68, 21 or
            5 points.
        pose: `(faces, 3)` float32 roll, pitch, yaw in radians as in the data set (with its signs),
            NaN where it has none.
        subjects: the person of each face, "" if unknown.
        names: what each face is called in messages; the path and a number by default.
        rectangles: `(faces, 4)` float32 x0, y0, x1, y1 of the data set's own face rectangle, NaN
            where it has none.
        sources: the data set of each face, "" by default.
        views: the kind of each photograph of a person, such as "frontal" and "profile", "" by
            default: photographs of different kinds make pairs of one person.
        skipped: what a reader left out because it could not be read or is not a face.
    """

    paths: tuple[Path, ...]
    landmarks: np.ndarray
    pose: np.ndarray = _NONE
    subjects: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    rectangles: np.ndarray = _NONE
    sources: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    views: tuple[str, ...] = ()

    def __post_init__(self):
        count = len(self.paths)
        landmarks = np.asarray(self.landmarks, np.float32)
        if landmarks.shape != (count, LANDMARK_COUNT, 3):
            raise ValueError(
                f"LabelledFaces expects landmarks of shape ({count}, {LANDMARK_COUNT}, 3), "
                f"received shape {landmarks.shape}."
            )
        finite = np.isfinite(landmarks).all(axis=-1, keepdims=True)
        landmarks = np.where(finite, landmarks, np.float32(0))
        for name, columns in (("pose", 3), ("rectangles", 4)):
            values = getattr(self, name)
            array = np.full((count, columns), np.nan) if values is None else np.asarray(values)
            if array.shape != (count, columns):
                raise ValueError(
                    f"LabelledFaces expects {name} of shape ({count}, {columns}), "
                    f"received shape {array.shape}."
                )
            object.__setattr__(self, name, array.astype(np.float32))
        for name in ("subjects", "names", "sources", "views"):
            values = tuple(getattr(self, name)) or _default(name, self.paths)
            if len(values) != count:
                raise ValueError(f"LabelledFaces expects {count} {name}, received {len(values)}.")
            object.__setattr__(self, name, values)
        object.__setattr__(self, "paths", tuple(map(Path, self.paths)))
        object.__setattr__(self, "landmarks", landmarks)

    def __len__(self):
        return len(self.paths)

    def __add__(self, other: "LabelledFaces") -> "LabelledFaces":
        return LabelledFaces(
            self.paths + other.paths,
            np.concatenate([self.landmarks, other.landmarks]),
            np.concatenate([self.pose, other.pose]),
            self.subjects + other.subjects,
            self.names + other.names,
            np.concatenate([self.rectangles, other.rectangles]),
            self.sources + other.sources,
            self.skipped + other.skipped,
            self.views + other.views,
        )

    def choose(self, indices: Sequence[int] | np.ndarray) -> "LabelledFaces":
        """Returns some of the faces, in the order of the given indices or where a mask is true."""
        indices = np.asarray(indices)
        # The type of an empty list does not tell whether it contains indices or is a mask.
        indices = np.arange(len(self))[indices if indices.size else indices.astype(int)]
        return LabelledFaces(
            tuple(self.paths[index] for index in indices),
            self.landmarks[indices],
            self.pose[indices],
            tuple(self.subjects[index] for index in indices),
            tuple(self.names[index] for index in indices),
            self.rectangles[indices],
            tuple(self.sources[index] for index in indices),
            self.skipped,
            tuple(self.views[index] for index in indices),
        )

    @property
    def people(self) -> tuple[str, ...]:
        """The person of each face, with the name of the data set; "" if unknown."""
        return tuple(map(person_name, self.sources, self.subjects))


def person_name(source: str, subject: str) -> str:
    """Returns a name that nobody in another data set has; "" if the subject is unknown."""
    return f"{source}: {subject}" if subject else ""


def held_out(faces: LabelledFaces, every: int) -> np.ndarray:
    """Returns which faces are held out of training for measuring: about one in `every`.

    This depends only on the person's name, or on the photograph's if the person is unknown. So it
    is the same on every machine, and no person is on both sides.

    Returns:
        `(faces,)` bool.

    Raises:
        ValueError: if `every` is below 2.
    """
    if every < 2:
        raise ValueError(f"Expected one face in 2 or more to be held out, received {every}.")
    names = [
        subject or path.name for subject, path in zip(faces.subjects, faces.paths, strict=True)
    ]
    return np.array([zlib.crc32(name.encode()) % every == 0 for name in names], bool)


def joint_landmarks(points: np.ndarray, landmark_set: str) -> np.ndarray:
    """Puts landmarks of one set in their places among those of `LANDMARK_SET`.

    Args:
        points: `(faces, L, 2)` x, y in pixels of the photograph, or `(faces, L, 3)` with a
            confidence. A point that is not finite counts as not labelled.
        landmark_set: "ibug68", "aflw21", "ibug68+aflw21" or "five points" (eye centres, nose tip,
            mouth corners; image-left before image-right).

    Returns:
        `(faces, 89, 3)` float32; x, y and confidence 0 where a point is not labelled.

    Raises:
        ValueError: if the set is unknown or has another number of points.
    """
    if landmark_set not in _PLACES:
        raise ValueError(
            f"Expected one of the landmark sets {', '.join(map(repr, _PLACES))}, "
            f"received {landmark_set!r}."
        )
    places, points = _PLACES[landmark_set], np.asarray(points, np.float32)
    if points.ndim != 3 or points.shape[1] != len(places) or points.shape[2] not in (2, 3):
        raise ValueError(
            f"Expected {landmark_set} points of shape (faces, {len(places)}, 2 or 3), "
            f"received shape {points.shape}."
        )
    labelled = np.isfinite(points).all(axis=-1)
    if points.shape[2] == 3:
        labelled &= points[..., 2] > 0
    else:
        points = np.concatenate([points, np.ones((*points.shape[:2], 1), np.float32)], axis=-1)
    joint = np.zeros((len(points), LANDMARK_COUNT, 3), np.float32)
    joint[:, places] = np.where(labelled[..., None], points, 0)
    return joint


def with_five_points(landmarks: np.ndarray) -> np.ndarray:
    """Adds the five points to landmarks of which only the 68 are labelled.

    Eye centres are the means of the eyes' six points. Labelled points do not change; a point that
    would depend on an unlabelled point remains unlabelled.

    Args:
        landmarks: `(..., 89, 3)` x, y in pixels, and confidence.

    Returns:
        `(..., 89, 3)`, of the same type.
    """
    landmarks = landmarks.copy()
    for place, points in zip(FIVE_POINTS, _FIVE_OF_68, strict=True):
        made = landmarks[..., list(points), :].mean(axis=-2)
        made[..., 2] = landmarks[..., list(points), 2].min(axis=-1)
        wanted = (made[..., 2] > 0) & ~(landmarks[..., place, 2] > 0)
        landmarks[..., place, :] = np.where(wanted[..., None], made, landmarks[..., place, :])
    return landmarks


def _default(name, paths):
    """Returns names for the faces that differ for the faces of one photograph."""
    if name != "names":
        return ("",) * len(paths)
    count: dict[Path, int] = {}
    names = []
    for path in paths:
        count[path] = count.get(path, 0) + 1
        names.append(str(path) if count[path] == 1 else f"{path}#{count[path]}")
    return tuple(names)
