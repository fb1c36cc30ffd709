"""Faces cut out of their photographs once, with a margin for augmentation."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from keras_3dmmstn.inference.boxes import checked_boxes
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.data.skipped import Skipped, nothing_left, reason_of
from keras_3dmmstn.training.fitting.face_box import face_boxes

#: Side of a stored crop: in pixels, and in sides of the crop that the network sees.
STORED_SIZE = 192
STORED_TO_CROP = 1.5


@dataclass(frozen=True)
class FaceCrops:
    """Face crops in memory.

    Attributes:
        images: `(faces, size, size, 3)` uint8, RGB; black outside the photograph.
        landmarks: `(faces, L, 3)` float32: x, y in pixels of the crop, and confidence.
        crop_side: side of the square that the network will see, in pixels of the stored crop.
        kept: which of the faces these are, `(faces,)` int64; None for all.
        skipped: the faces that could not be cut out, and those whose labels could not be read.
        people: the person of each, with the data set, "" if unknown; none by default.
        views: the kind of each photograph of a person, as in `LabelledFaces`; none by default.
    """

    images: np.ndarray
    landmarks: np.ndarray
    crop_side: float = STORED_SIZE / STORED_TO_CROP
    kept: np.ndarray | None = None
    skipped: tuple[Skipped, ...] = ()
    people: tuple[str, ...] = ()
    views: tuple[str, ...] = ()

    def __len__(self):
        return len(self.images)


def cut_faces(
    faces: LabelledFaces,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
    size: int = STORED_SIZE,
) -> FaceCrops:
    """Reads the photographs and cuts the faces out, centred.

    A face is framed by the tight box of its 68 points, which is estimated if not all are labelled.
    A face is skipped if its photograph is missing or broken, or if it lies outside it.

    Args:
        faces: the labelled photographs.
        progress: called on the sequence of faces that is iterated over, to show progress.
        size: side of the crops in pixels.

    Raises:
        ValueError: if no face at all could be cut out.
    """
    images = np.empty((len(faces), size, size, 3), np.uint8)
    landmarks = np.zeros_like(faces.landmarks)
    kept: list[int] = []
    skipped = list(faces.skipped)
    boxes, numbers = face_boxes(faces.landmarks, faces.rectangles), range(len(faces))

    def cut(number):
        return cut_face(faces, number, boxes[number], size)

    for number, result in zip(progress(numbers), in_threads(cut, numbers), strict=True):
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            # Moved to the front, so that the arrays are not needed twice.
            images[len(kept)], landmarks[len(kept)] = result
            kept.append(number)
    if skipped and not kept:
        raise nothing_left(skipped)
    count, people = len(kept), faces.people
    return FaceCrops(
        images[:count],
        landmarks[:count],
        size / STORED_TO_CROP,
        np.array(kept, int),
        tuple(skipped),
        tuple(people[number] for number in kept),
        tuple(faces.views[number] for number in kept),
    )


def cut_face(
    faces: LabelledFaces, number: int, box: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray] | Skipped:
    """Cuts one face out of its photograph.

    Args:
        faces: the labelled photographs.
        number: which of them.
        box: x0, y0, x1, y1, the tight box of its 68 points.
        size: side of the crop in pixels.

    Returns:
        The crop `(size, size, 3)` uint8 and landmarks `(L, 3)` float32 in its pixels, 0 where not
        labelled; or the reason why there is none.
    """
    if not np.isfinite(box).all():
        reason = "expected two labelled points or a rectangle that say where the face is"
        return Skipped(faces.names[number], reason)
    try:
        photograph = read_photograph(faces.paths[number], upright=False)
        checked_boxes([box], photograph)
        matrix = stored_matrix(box, size)
        image = warp(photograph, matrix, size)
    except (OSError, ValueError, MemoryError, cv2.error) as error:
        return Skipped(faces.names[number], reason_of(error))
    landmarks = faces.landmarks[number].copy()
    landmarks[:, :2] = framing.apply_similarity(matrix, landmarks[:, :2])
    landmarks[~(landmarks[:, 2] > 0)] = 0
    return image, landmarks


def stored_matrix(box: np.ndarray, size: int) -> np.ndarray:
    """Returns the similarity from the photograph to the stored crop, `(2, 3)`.

    Args:
        box: x0, y0, x1, y1, the tight box of the face's 68 points.
        size: side of the stored crop in pixels.
    """
    middle = np.array([[0, 0, (size - 1) / 2]] * 2)
    return (framing.crop_matrix(box, size) - middle) / STORED_TO_CROP + middle


def in_threads(function: Callable, values: Sequence) -> Iterator:
    """Yields the function's results in order; several threads work ahead."""
    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
    try:
        yield from pool.map(function, values)
    finally:
        pool.shutdown(cancel_futures=True)
