"""Faces of several data sets, as many of each as can be, in memory."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn.training.data.crops import STORED_TO_CROP, FaceCrops, cut_faces
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.shard_index import is_shards
from keras_3dmmstn.training.data.shards import Shards, read_shards


def chosen_faces(
    folders: Sequence[str | Path],
    most: int,
    size: int,
    seed: int = 0,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> FaceCrops:
    """Returns faces of data sets chosen at random, equally many of each as far as they have them.

    Args:
        folders: labelled photographs, or shards with them.
        most: how many faces at most.
        size: side of the crops in pixels.
        seed: of the choice.
        progress: called on the sequence of faces that is iterated over, to show progress.

    Raises:
        ValueError: if there are no folders, or one has no face.
    """
    if not folders:
        raise ValueError("Expected at least one folder of labelled photographs, received none.")
    sources = [read_shards(f) if is_shards(f) else read_faces(f) for f in folders]
    rng = np.random.default_rng([seed, 6])
    images, landmarks = [], []
    for source, count in zip(sources, equal_shares([*map(len, sources)], most), strict=True):
        chosen = np.sort(rng.permutation(len(source))[:count])
        if isinstance(source, Shards):
            crops = source.load()
            part = [_resized(image, size) for image in crops.images[chosen]]
            points = _rescaled(crops.landmarks[chosen], size / crops.images.shape[1])
        else:
            crops = cut_faces(source.choose(chosen), progress, size)
            part, points = list(crops.images), crops.landmarks
        images += part
        landmarks.append(points)
    return FaceCrops(np.stack(images), np.concatenate(landmarks), size / STORED_TO_CROP)


def equal_shares(counts: Sequence[int], most: int) -> list[int]:
    """Returns how many to take of each: all, or equally many of those that have more.

    Args:
        counts: how many there are of each.
        most: how many to take altogether.
    """
    shares, left = [0] * len(counts), most
    smallest_first = sorted(range(len(counts)), key=lambda place: counts[place])
    for done, place in enumerate(smallest_first):
        shares[place] = min(counts[place], left // (len(counts) - done))
        left -= shares[place]
    return shares


def _resized(image, size):
    """Returns a crop `(side, side, 3)` with another side."""
    way = cv2.INTER_AREA if image.shape[0] > size else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=way)


def _rescaled(landmarks, scale):
    """Returns landmarks `(n, L, 3)` in pixels of crops with another side.

    Pixel centres are at whole numbers, so that the edge is at −½.
    """
    moved = landmarks.copy()
    known = landmarks[..., 2] > 0
    moved[known, :2] = (landmarks[known, :2] + 0.5) * scale - 0.5
    return moved
