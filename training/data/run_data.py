"""The faces of a run and the batches of each of its epochs."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_3dmmstn.mesh.landmark_sets import JAW_POINTS, LANDMARK_COUNT
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.batches import training_batches
from keras_3dmmstn.training.data.crops import STORED_SIZE, STORED_TO_CROP, FaceCrops, cut_faces
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS
from keras_3dmmstn.training.data.mixture import Mixture, mixture
from keras_3dmmstn.training.data.shard_index import INDEX, is_shards
from keras_3dmmstn.training.data.shards import Shards, read_shards
from keras_3dmmstn.training.data.supervision import Supervision


def read_sources(
    folders: Sequence[str | Path],
    config: TrainingConfig,
    weights: Sequence[float] | None = None,
    progress: Callable = iter,
    unmirrored: Sequence[str | Path] = (),
    measured: bool = False,
) -> Mixture:
    """Reads data sets, each a folder of labelled photographs or of shards.

    With losses on pairs of one person, shards are read into memory, and the frontal photographs of
    CFP are read without labels.

    Args:
        folders: the folders.
        config: sets the size of the crops that are kept in memory, and whether pairs of one person
            are wanted.
        weights: how often each folder is drawn from; by default its number of faces.
        progress: called on the sequence of faces that is iterated over, to show progress.
        unmirrored: those of the folders whose faces augmentation does not reflect.
        measured: whether the faces are for measuring, which needs no pairs.

    Raises:
        ValueError: if a folder is neither, or has no face, there is not one weight for each, or one
            of `unmirrored` is not among the folders.
    """
    if not folders:
        raise ValueError("Expected at least one folder of labelled photographs, received none.")
    if weights is not None and len(weights) != len(folders):
        raise ValueError(
            f"Expected a weight for each of {len(folders)} data sets, received {list(weights)}."
        )
    unknown = [folder for folder in map(Path, unmirrored) if folder not in map(Path, folders)]
    if unknown:
        raise ValueError(
            f"Expected unmirrored data sets to be among those trained on, received {unknown[0]}."
        )
    size = max(STORED_SIZE, round(STORED_TO_CROP * config.image_size))
    pairs = config.compares_people and not measured
    sources: list[FaceCrops | Shards] = []
    for folder in folders:
        if is_shards(folder):
            shards = read_shards(folder)
            sources.append(shards.load() if pairs else shards)
        else:
            sources.append(cut_faces(read_faces(folder, frontal=pairs), progress, size))
    mirrored = [Path(folder) not in map(Path, unmirrored) for folder in folders]
    return mixture(sources, weights, mirrored=mirrored)


def epoch_batches(
    source: Mixture, config: TrainingConfig, epoch: int, worker: int = 0, workers: int = 1
) -> tf.data.Dataset:
    """Returns the batches of one epoch, which are always the same.

    So a run that continues sees what it would have seen without the break.
    `keras.callbacks.BackupAndRestore` restores weights and the number of the epoch, but not the
    state of `tf.data`, whose shuffling and augmentation would start again.

    Args:
        source: the faces.
        config: the numbers; with `mirror_pairs` each image is followed by its reflection, with
            `identity_pairs` or `tied_identity` by another image of the same person.
        epoch: counted from 0.
        worker: which of several workers, and so which part of each batch.
        workers: how many parts a batch has.

    Raises:
        ValueError: if there are fewer faces than in a batch, or pairs are wanted and nobody has two
            photographs.
    """
    return training_batches(
        source,
        config,
        mirror_pairs=config.mirror_pairs > 0,
        supervision=_supervision(config),
        first_epoch=epoch,
        part=(worker, workers),
        identity_pairs=config.compares_people,
    )


def fixed_faces(source: Mixture, config: TrainingConfig, count: int = 4) -> np.ndarray:
    """Returns some images `(count, size, size, 3)` uint8 as the network sees them, always the same.

    They are drawn from all faces by the seed; there are fewer than `count` if there are not enough.
    """
    count = min(count, len(source))
    plain = replace(
        config,
        batch_size=count,
        augmentation=False,
        mirror_pairs=0.0,
        identity_pairs=0.0,
        tied_identity=0.0,
    )
    images, _ = next(iter(epoch_batches(source, plain, 0)))
    return images.numpy().astype(np.uint8)


def describe_sources(
    folders: Sequence[str | Path], source: Mixture | None, people: bool = False
) -> dict:
    """Describes data sets by name, number of faces, share in an epoch, and checksum.

    Args:
        folders: the data sets.
        source: their faces.
        people: whether the checksum includes who is who, as needed for pairs of one person.
    """
    if source is None:
        return {}
    return {
        f"{number} {Path(folder).name}": f"{len(part)} faces, share {share:.4g}, "
        f"checksum {_checksum(folder, part, people):08x}{'' if mirrored else ', not mirrored'}"
        for number, (folder, part, share, mirrored) in enumerate(
            zip(folders, source.sources, source.weights, source.mirrored, strict=True)
        )
    }


def skipped_faces(source: Mixture) -> list[str]:
    """Returns the faces that could not be read, and why."""
    return [str(skipped) for part in source.sources for skipped in part.skipped]


def _supervision(config):
    """Returns which labels count, and how much those of the jaw line count."""
    confidence = np.ones(LANDMARK_COUNT)
    confidence[:JAW_POINTS] = config.jaw_confidence
    points = FIVE_POINTS if config.only_points == "five" else None
    return Supervision(config.label_share, points, confidence.tolist())


def _checksum(folder, part, people):
    """Returns a checksum of the labels of crops (and people if wanted) or the index of shards."""
    if isinstance(part, FaceCrops):
        checksum = zlib.crc32(np.ascontiguousarray(part.landmarks).tobytes())
        if people:
            checksum = zlib.crc32(repr((part.people, part.views)).encode(), checksum)
        return checksum
    return zlib.crc32((Path(folder) / INDEX).read_bytes())
