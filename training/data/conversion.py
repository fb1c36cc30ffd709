"""The one-off conversion of labelled photographs to TFRecord shards of face crops."""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.folder_lock import folder_in_use
from keras_3dmmstn.mesh.landmark_sets import LANDMARK_SET
from keras_3dmmstn.training.data.crops import (
    STORED_SIZE,
    STORED_TO_CROP,
    cut_face,
    in_threads,
)
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.data.recorded_settings import labels_checksum
from keras_3dmmstn.training.data.shard_index import (
    INDEX,
    LARGEST_SIZE,
    begun_index,
    is_whole,
    skipped_in,
    write_index,
)
from keras_3dmmstn.training.data.shards import Shards, read_shards, serialised
from keras_3dmmstn.training.data.skipped import Skipped, nothing_left
from keras_3dmmstn.training.fitting.face_box import face_boxes

JPEG_QUALITY = 95
FACES_PER_SHARD = 512


def convert(
    faces: LabelledFaces,
    out: str | Path,
    size: int = STORED_SIZE,
    image_format: str = "jpeg",
    faces_per_shard: int = FACES_PER_SHARD,
    seed: int = 0,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> Shards:
    """Cuts faces out of their photographs and stores the crops as TFRecord shards.

    The faces are shuffled first, so that each shard is a sample of all. A shard is written to a
    temporary file and moved into place when it is complete: a conversion that was killed continues
    when it is called again, and ends with the same files.

    Args:
        faces: the labelled photographs.
        out: the folder for the shards and `index.json`; created if missing.
        size: side of the stored crops in pixels, 1.5 times what the network sees of them at most.
        image_format: "jpeg" (quality 95) or "png".
        faces_per_shard: how many faces go in one file.
        seed: seed for the order.
        progress: called on the sequence of faces that is iterated over, to show progress.

    Returns:
        The shards. Their `skipped` lists missing and broken photographs, and what was left out of
        `faces`.

    Raises:
        ValueError: if the folder contains a conversion with other settings or anything else, a
            setting is out of range, there is no face, or none could be cut out.
        FolderInUseError: if another process is writing to the folder.
    """
    _check(faces, size, image_format, faces_per_shard)
    with folder_in_use(out):
        return _convert(faces, Path(out), size, image_format, faces_per_shard, seed, progress)


def _convert(faces, out, size, image_format, faces_per_shard, seed, progress):
    """Converts to a folder that is locked by this process; arguments as for `convert`."""
    settings = {
        "landmark_set": LANDMARK_SET,
        "size": size,
        "share": STORED_TO_CROP,
        "image_format": image_format,
        "faces_per_shard": faces_per_shard,
        "seed": seed,
        "sources": dict(Counter(faces.sources)),
        "labels": labels_checksum(faces),
    }
    index = begun_index(out, settings, -(-len(faces) // faces_per_shard))
    order = np.random.default_rng(seed).permutation(len(faces))
    parts = [order[k : k + faces_per_shard] for k in range(0, len(faces), faces_per_shard)]
    whole = {shard["number"] for shard in index["shards"] if is_whole(out, shard)}
    index["shards"] = [shard for shard in index["shards"] if shard["number"] in whole]
    if faces.skipped:
        index["skipped"] = [asdict(skipped) for skipped in faces.skipped]
    missing = [number for number in range(len(parts)) if number not in whole]
    _write_missing(faces, out, parts, missing, index, progress)
    if not any(shard["faces"] for shard in index["shards"]):
        (out / INDEX).unlink()
        raise nothing_left(skipped_in(index))
    write_index(out, {**index, "finished": True})
    return read_shards(out)


def _check(faces, size, image_format, faces_per_shard):
    """Raises a ValueError unless there are faces and the settings are within range."""
    if image_format not in ("jpeg", "png"):
        raise ValueError(f"Expected the image format 'jpeg' or 'png', received {image_format!r}.")
    if not len(faces):
        raise ValueError("Expected labelled faces to convert, received none.")
    if not 16 <= size <= LARGEST_SIZE or faces_per_shard < 1:
        raise ValueError(
            f"Expected crops of 16 to {LARGEST_SIZE} pixels and a face or more in a shard, "
            f"received {size} and {faces_per_shard}."
        )


def _write_missing(faces, out, parts, missing, index, progress):
    """Writes the shards with these numbers in order, and the index after each."""
    settings = index["settings"]
    todo = [int(face) for number in missing for face in parts[number]]
    boxes = np.full((len(faces), 4), np.nan)
    if todo:
        boxes[todo] = face_boxes(faces.landmarks[todo], faces.rectangles[todo])

    def record(face):
        result = cut_face(faces, face, boxes[face], settings["size"])
        if isinstance(result, Skipped):
            return result
        image = _encoded(result[0], settings["image_format"])
        columns = faces.names, faces.subjects, faces.sources, faces.views
        about = [column[face] for column in columns]
        return serialised(image, result[1], faces.pose[face], face, *about)

    results = zip(progress(todo), in_threads(record, todo), strict=True)
    for number in missing:
        made = [next(results)[1] for _ in parts[number]]
        records = [result for result in made if isinstance(result, bytes)]
        file = f"faces-{number:05d}.tfrecord"
        if records:
            _write_records(out / file, records)
        skipped = [asdict(result) for result in made if isinstance(result, Skipped)]
        shard = {
            "number": number,
            "file": file,
            "faces": len(records),
            "bytes": (out / file).stat().st_size if records else 0,
            "skipped": skipped,
        }
        index["shards"] = sorted([*index["shards"], shard], key=lambda shard: shard["number"])
        write_index(out, index)
    # Lets the progress bar and the threads finish.
    next(results, None)


def _encoded(image, image_format):
    """Returns the bytes of an RGB image as a JPEG or PNG file."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if image_format == "png":
        return cv2.imencode(".png", bgr)[1].tobytes()
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _write_records(path, records):
    """Writes a shard atomically."""
    with atomic_destination(path) as aside:
        try:
            with tf.io.TFRecordWriter(str(aside)) as writer:
                for record in records:
                    writer.write(record)
        except tf.errors.ResourceExhaustedError:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None
        except tf.errors.OpError as error:
            raise OSError(f"{path}: a shard could not be written: {error.message}") from error
