"""Faces chosen evenly from several data sets, in memory."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_3dmmstn.inference.photograph import warp
from keras_3dmmstn.network.framing import apply_similarity
from keras_3dmmstn.training.data.crops import STORED_TO_CROP, FaceCrops, cut_faces
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.shard_index import is_shards
from keras_3dmmstn.training.data.shards import Shards, named_damage, read_shards


def chosen_faces(
    folders: Sequence[str | Path],
    most: int,
    size: int,
    seed: int = 0,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> FaceCrops:
    """Returns randomly chosen faces of data sets, equally many of each if there are enough.

    Args:
        folders: labelled photographs, or shards with them.
        most: the maximum number of faces.
        size: side of the crops in pixels.
        seed: seed for the choice.
        progress: called on the sequence of faces that is iterated over, to show progress.

    Raises:
        ValueError: if there are no folders, or one has no face.
    """
    if not folders:
        raise ValueError("Expected at least one folder of labelled photographs, received none.")
    sources = [read_shards(f) if is_shards(f) else read_faces(f) for f in folders]
    for folder, source in zip(folders, sources, strict=True):
        if not len(source):
            raise ValueError(f"{folder}: expected labelled faces, found none.")
    rng = np.random.default_rng([seed, 6])
    parts = []
    for source, count in zip(sources, equal_shares([*map(len, sources)], most), strict=True):
        chosen = np.sort(rng.permutation(len(source))[:count])
        if isinstance(source, Shards):
            parts.append(_of_shards(source, chosen, size))
        else:
            parts.append(cut_faces(source.choose(chosen), progress, size))
    return FaceCrops(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
        size / STORED_TO_CROP,
        skipped=tuple(one for part in parts for one in part.skipped),
    )


def equal_shares(counts: Sequence[int], most: int) -> list[int]:
    """Returns how many to take from each: all, or equally many from those that have more.

    Args:
        counts: how many there are in each.
        most: how many to take altogether.
    """
    shares, left = [0] * len(counts), most
    smallest_first = sorted(range(len(counts)), key=lambda place: counts[place])
    for done, place in enumerate(smallest_first):
        shares[place] = min(counts[place], left // (len(counts) - done))
        left -= shares[place]
    return shares


def _of_shards(shards, chosen, size):
    """Returns some of the crops of shards, by position, as `cut_faces` would cut them out."""
    images, landmarks = [], []
    scale = size / STORED_TO_CROP / shards.crop_side
    shift = (size - 1) / 2 - scale * (shards.size - 1) / 2
    matrix = np.array([[scale, 0, shift], [0, scale, shift]])
    wanted = (
        shards.records()
        .enumerate()
        .filter(lambda place, _: tf.reduce_any(place == chosen))
        .map(lambda _, record: shards.decoded(record))
    )
    with named_damage([shards]):
        for image, points, *_ in wanted.as_numpy_iterator():
            moved = points.copy()
            moved[:, :2] = apply_similarity(matrix, points[:, :2])
            moved[points[:, 2] <= 0] = 0
            images.append(warp(image, matrix, size))
            landmarks.append(moved)
    if len(images) < len(chosen):
        raise ValueError(
            f"{shards.files[0].parent}: expected {len(shards)} faces, as its index says, found "
            "fewer."
        )
    return FaceCrops(np.stack(images), np.stack(landmarks), size / STORED_TO_CROP)
