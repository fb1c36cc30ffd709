"""The manifest of a finished data set, and its table of photographs without faces."""

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from typing import Any

from keras_3dmmstn.inference.data_sets.job import Job
from keras_3dmmstn.inference.data_sets.places import Place
from keras_3dmmstn.inference.data_sets.plan import Plan, is_count
from keras_3dmmstn.inference.data_sets.rows import ENCODINGS, as_text
from keras_3dmmstn.inference.data_sets.shard import (
    FACELESS,
    FAILED,
    ShardOutcome,
    is_counted,
    read_outcome,
)
from keras_3dmmstn.inference.data_sets.shard_files import ENDINGS
from keras_3dmmstn.inference.threads import in_threads
from keras_3dmmstn.version import __version__

#: The manifest, and the table of the photographs without faces.
MANIFEST_FILE, FAILURES_FILE = "manifest.json", "failures.csv"
#: The columns of that table. With the first ones, the table can itself be a source.
FAILURE_COLUMNS = ("image", "x0", "y0", "x1", "y1", "photograph", "kind", "reason")

_FORMAT = 1
_COUNTS = ("photographs", "faces", "failed", "without_face", "bytes")
# Side in pixels of the largest textures that a manifest may declare.
_LARGEST_SIDE = 4096
_READERS = 16
_LIBRARIES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "opencv-python")


def write_manifest(place: Place, job: Job, plan: Plan) -> dict[str, Any]:
    """Writes the table of failures and, last, the manifest of a folder whose shards are all done.

    Returns:
        The manifest.

    Raises:
        OSError: if they cannot be written, or the outcome of a shard cannot be read.
    """
    counts = dict.fromkeys(("photographs", "faces", "bytes", FAILED, FACELESS), 0)
    shards = []
    with (
        place.destination(FAILURES_FILE) as path,
        path.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(FAILURE_COLUMNS)
        for outcome in _outcomes(place, plan.shards):
            for one in outcome.without_faces:
                number, image, box, _ = one.photograph
                row = (as_text(image), *(box or [""] * 4), number, one.kind, one.reason)
                writer.writerow(row)
                counts[one.kind] += 1
            shard = asdict(outcome) | {"without_faces": len(outcome.without_faces)}
            for name in ("photographs", "faces", "bytes"):
                counts[name] += shard[name]
            shards.append(shard)
    content = {
        "format": _FORMAT,
        "finished": True,
        "photographs": counts["photographs"],
        "faces": counts["faces"],
        "failed": counts[FAILED],
        "without_face": counts[FACELESS],
        "bytes": counts["bytes"],
        "texture_shape": [*job.texture_shape(), 3],
        "settings": plan.settings,
        "versions": {"keras_3dmmstn": __version__, **dict(_versions())},
        "shards": shards,
    }
    place.write(MANIFEST_FILE, json.dumps(content, indent=1).encode() + b"\n")
    return content


def read_manifest(place: Place) -> dict[str, Any] | None:
    """Returns the manifest of a folder, or None if it has none.

    Raises:
        ValueError: if it is damaged, not a manifest, or from a later version of this package.
    """
    if not place.exists(MANIFEST_FILE):
        return None
    try:
        content = json.loads(place.read(MANIFEST_FILE))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {str(content['format'])[:80]}")
        fault = _fault(content)
        if fault:
            raise ValueError(fault)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{place}/{MANIFEST_FILE}: expected a manifest of format {_FORMAT}, received another "
            f"file ({error})."
        ) from None
    return content


def _fault(content):
    """Returns which part of a manifest `write_manifest` cannot have written, or None."""
    settings, shape, shards = content["settings"], content["texture_shape"], content["shards"]
    if settings["format"] not in ENDINGS or settings["textures"] not in ENCODINGS:
        return "another format of files or textures"
    sides = isinstance(shape, list) and len(shape) == 3 and shape[2] == 3
    if not (sides and all(is_count(side) and 0 < side <= _LARGEST_SIDE for side in shape)):
        return f"texture_shape {str(shape)[:80]}"
    if not all(is_count(content[name]) for name in _COUNTS) or content["finished"] is not True:
        return "a number of photographs, faces or bytes that is none"
    if not isinstance(shards, list) or not all(map(is_counted, shards)):
        return "shards without a file and what is in it"
    return None


def _outcomes(place: Place, shards: int) -> Iterator[ShardOutcome]:
    """Yields the outcomes of the shards, in their order."""
    return in_threads(read_outcome, ((place, shard) for shard in range(shards)), _READERS)


def _versions() -> Iterator[tuple[str, str]]:
    """Yields the installed libraries and their versions."""
    for name in _LIBRARIES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
