"""A whole data set: planned once, its shards distributed, and finished work never repeated."""

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_3dmmstn.folder_lock import folder_in_use
from keras_3dmmstn.inference.data_sets.attempts import ATTEMPTS_FOLDER
from keras_3dmmstn.inference.data_sets.job import Job
from keras_3dmmstn.inference.data_sets.manifest import read_manifest, write_manifest
from keras_3dmmstn.inference.data_sets.places import LocalPlace, Place, place_of
from keras_3dmmstn.inference.data_sets.plan import (
    PLAN_FOLDER,
    Plan,
    check_settings,
    make_plan,
    read_plan,
)
from keras_3dmmstn.inference.data_sets.shard import (
    DONE_FOLDER,
    FACES_FOLDER,
    ShardOutcome,
    done_shards,
    normalise_shard,
)
from keras_3dmmstn.inference.data_sets.sources import Among, photographs_in

#: Yields the outcomes of shards, in any order.
RunShards = Callable[[Job, Sequence[int]], Generator[ShardOutcome, None, None]]


@dataclass(frozen=True)
class DataSetProgress:
    """The progress of a run.

    Attributes:
        photographs, shards: their numbers in the data set.
        photographs_done, shards_done: by this run and those before it.
        outcome: of the last shard; None at the beginning.
    """

    photographs: int
    shards: int
    photographs_done: int
    shards_done: int
    outcome: ShardOutcome | None = None


def run_job(
    job: Job,
    run_shards: RunShards,
    progress: Callable[[DataSetProgress], None] | None = None,
    among: Among = iter,
) -> dict[str, Any]:
    """Normalises those parts of a data set that are not yet normalised.

    Args:
        job: the work.
        run_shards: distributes the shards to workers.
        progress: called with the progress of the run, at the beginning and after each shard.
        among: as for `photographs_in`.

    Returns:
        The manifest.

    Raises:
        ValueError: if a setting is invalid, there are no photographs, or the folder was begun with
            other settings.
        FolderInUseError: if another run is writing to the folder; not detected in an object store.
        OSError: if something cannot be read or written.
        ImportError: if an extra is missing.
    """
    job.check()
    place = place_of(job.out)
    with _locked(place):
        plan = _plan(job, place, among)
        finished = read_manifest(place)
        if finished is not None:
            return finished
        done = done_shards(place)
        pending = [shard for shard in range(plan.shards) if shard not in done]
        if pending:
            with contextlib.closing(run_shards(job, pending)) as outcomes:
                _follow(outcomes, plan, pending, progress or (lambda _: None))
        for name in place.names(ATTEMPTS_FOLDER):  # of shards whose worker died after finishing
            place.remove(f"{ATTEMPTS_FOLDER}/{name}")
        return write_manifest(place, job, plan)


def run_here(job: Job, shards: Sequence[int]) -> Generator[ShardOutcome, None, None]:
    """Normalises shards one after the other in this process."""
    normaliser = job.normaliser()
    for shard in shards:
        yield normalise_shard(job, shard, normaliser)


def _follow(outcomes, plan, pending, report):
    """Reports the outcomes of the pending shards."""
    size = plan.settings["shard_size"]
    last = plan.shards - 1
    missing = size * plan.shards - plan.photographs  # of the last shard
    photographs = plan.photographs - size * len(pending) + missing * (last in pending)
    done = plan.shards - len(pending)
    report(DataSetProgress(plan.photographs, plan.shards, photographs, done))
    for outcome in outcomes:
        photographs, done = photographs + outcome.photographs, done + 1
        report(DataSetProgress(plan.photographs, plan.shards, photographs, done, outcome))


def _plan(job: Job, place: Place, among: Among) -> Plan:
    """Returns the plan of a folder, or makes one."""
    settings, plan = job.settings(), read_plan(place)
    if plan is None:
        _refuse_others(place)
        plan = make_plan(place, photographs_in(job.source, among), job.shard_size, settings)
    check_settings(place, plan, settings)
    return plan


def _refuse_others(place):
    """Raises a ValueError if a folder without a plan has faces."""
    names = place.names(FACES_FOLDER)
    if names:
        raise ValueError(
            f"{place}: expected an empty folder, or results of this command, received one with "
            f"{FACES_FOLDER}/{names[0]} and no plan."
        )


@contextlib.contextmanager
def _locked(place: Place) -> Iterator[None]:
    """Locks a folder and removes what killed processes left; in an object store, does nothing."""
    if not isinstance(place, LocalPlace):
        yield
        return
    folder = Path(place.folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(20, "expected a folder, but a file is there", str(folder))
    with folder_in_use(folder):
        for name in ("", PLAN_FOLDER, ATTEMPTS_FOLDER, FACES_FOLDER, DONE_FOLDER):
            place.remove_leftovers(name)
        yield
