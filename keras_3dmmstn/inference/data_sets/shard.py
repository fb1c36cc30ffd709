"""The work of one shard: its photographs are read, normalised and written."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np

from keras_3dmmstn.inference.data_sets.attempts import MOST_DEATHS, Attempts
from keras_3dmmstn.inference.data_sets.job import Job
from keras_3dmmstn.inference.data_sets.places import Place, place_of
from keras_3dmmstn.inference.data_sets.plan import (
    PlannedPhotograph,
    is_count,
    photographs_of,
    planned_photograph,
    shard_name,
)
from keras_3dmmstn.inference.data_sets.rows import as_text, row_of
from keras_3dmmstn.inference.data_sets.shard_files import ENDINGS, AddRow, rows_written
from keras_3dmmstn.inference.data_sets.sources import read_image
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.photograph import decoded_photograph
from keras_3dmmstn.inference.threads import in_threads

#: The folders with the faces, and with the outcome, of each shard.
FACES_FOLDER, DONE_FOLDER = "faces", "done"
#: Kinds of photographs without rows.
FAILED, FACELESS = "failed", "no face"

Normalise = Callable[..., list[NormalisedFace]]

# Threads that read photographs ahead, since a server may be slow.
_READERS = 4
# Errors that a photograph, its box or the faces in it may cause.
_FAILURES = (OSError, ValueError, TypeError, MemoryError, cv2.error)
_HOPELESS = (
    f"the process that normalised it ended {MOST_DEATHS} times: it may crash a decoder, or take "
    "more memory than there is"
)


@dataclass(frozen=True)
class WithoutFaces:
    """A photograph without rows.

    Attributes:
        photograph: its number, its image and its box, as in `PlannedPhotograph`.
        kind: `FAILED` or `FACELESS`.
        reason: why.
    """

    photograph: PlannedPhotograph
    kind: str
    reason: str


@dataclass(frozen=True)
class ShardOutcome:
    """The outcome of a shard.

    Attributes:
        file: with its faces, below the folder for the results.
        photographs, faces: their numbers.
        bytes: size of the file.
        without_faces: the photographs without rows.
    """

    file: str
    photographs: int
    faces: int
    bytes: int
    without_faces: list[WithoutFaces] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """Returns the number of photographs without rows of this kind."""
        return sum(one.kind == kind for one in self.without_faces)


def normalise_shard(job: Job, shard: int, normalise: Normalise) -> ShardOutcome:
    """Normalises the photographs of a shard, and writes its faces and, last, its outcome.

    Args:
        job: the work.
        shard: number of the shard.
        normalise: from a photograph and its boxes to its faces, such as a `Normaliser`.

    Raises:
        OSError: if the results cannot be written, or the plan cannot be read.
        ValueError: if the plan is damaged.
    """
    place = place_of(job.out)
    file = f"{FACES_FOLDER}/{shard_name(shard)}{ENDINGS[job.format_name]}"
    photographs = photographs_of(place, shard)
    attempts = Attempts(place, shard)
    with attempts.one_more():
        with place.destination(file) as path:
            with rows_written(path, job.format_name) as add_row:
                work = _Work(job, normalise, attempts, add_row)
                without = [*filter(None, map(work.do, _read_ahead(job.root(), photographs)))]
            size = path.stat().st_size
        outcome = ShardOutcome(file, len(photographs), work.faces, size, without)
        place.write(_done_file(shard), json.dumps(asdict(outcome)).encode())
        attempts.forget()
    return outcome


def done_shards(place: Place) -> set[int]:
    """Returns the numbers of the shards that are done."""
    names = (name.removesuffix(".json") for name in place.names(DONE_FOLDER))
    return {int(name) for name in names if name.isdecimal()}


def read_outcome(place: Place, shard: int) -> ShardOutcome:
    """Returns the outcome of a shard that is done.

    Raises:
        OSError: if its file cannot be read.
        ValueError: if it is damaged.
    """
    name = _done_file(shard)
    try:
        content = json.loads(place.read(name))
        without = [
            WithoutFaces(planned_photograph(one["photograph"]), one["kind"], one["reason"])
            for one in content["without_faces"]
        ]
        outcome = ShardOutcome(**{**content, "without_faces": without})
        kinds = all(one.kind in (FAILED, FACELESS) for one in without)
        reasons = all(isinstance(one.reason, str) for one in without)
        if not (is_counted(content) and kinds and reasons):
            raise ValueError("values that are none of a shard's")
        return outcome
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{place}/{name}: expected what came of a shard, received a damaged file ({error}); "
            "remove it, and run again."
        ) from None


def is_counted(shard: Any) -> bool:
    """Returns whether a JSON value has the file of a shard, and valid counts of its content."""
    return (
        isinstance(shard, dict)
        and isinstance(shard.get("file"), str)
        and all(is_count(shard.get(name)) for name in ("photographs", "faces", "bytes"))
    )


@dataclass
class _Work:
    """Normalises one photograph after the other, and counts the faces."""

    job: Job
    normalise: Normalise
    attempts: Attempts
    add_row: AddRow
    faces: int = 0

    def do(self, read: tuple[PlannedPhotograph, bytes | Exception]) -> WithoutFaces | None:
        """Adds the rows of a photograph; returns the reason if it has none."""
        photograph, content = read
        if photograph.fault is not None:
            return WithoutFaces(photograph, FAILED, photograph.fault)
        if self.attempts.is_hopeless(photograph.number):
            return WithoutFaces(photograph, FAILED, _HOPELESS)
        self.attempts.begin(photograph.number)
        try:
            if isinstance(content, Exception):
                raise content
            boxes = None if photograph.box is None else np.array([photograph.box])
            faces = self.normalise(decoded_photograph(content), boxes)
            encoding = self.job.encoding
            rows = [row_of(photograph, n, face, encoding) for n, face in enumerate(faces)]
        except _FAILURES as error:
            return WithoutFaces(photograph, FAILED, _reason(error, photograph.image))
        if not rows:
            return WithoutFaces(photograph, FACELESS, "no face was found")
        for row in rows:  # errors here are not caused by the photograph
            self.add_row(row)
        self.faces += len(rows)
        return None


def _read_ahead(
    root: str, photographs: Sequence[PlannedPhotograph]
) -> Iterator[tuple[PlannedPhotograph, bytes | Exception]]:
    """Yields photographs with their bytes, or with the error from reading them."""
    place = place_of(root)

    def read(photograph):
        if photograph.fault is not None:
            return photograph, b""
        try:
            return photograph, read_image(place, photograph.image)
        except (OSError, ValueError, ImportError, MemoryError) as error:
            return photograph, error

    return in_threads(read, ((photograph,) for photograph in photographs), _READERS)


def _done_file(shard):
    return f"{DONE_FOLDER}/{shard_name(shard)}.json"


def _reason(error, image):
    """Returns why a photograph failed, on one line, without its own name."""
    message = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(message.split()) or type(error).__name__
    return as_text(line.removeprefix(f"{image}: ")[:500])
