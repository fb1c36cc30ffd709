"""The options of `normalise` that go with --engine: whole data sets, written as shards."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.progress import photographs_with_progress
from keras_3dmmstn.cli.stopping import end_stopped, raise_if_stopped

if TYPE_CHECKING:
    from keras_3dmmstn.inference.data_sets.run import DataSetProgress

# Seconds between two lines of progress where there is no terminal.
_LINE_SECONDS = 60
# A path object turns two slashes into one.
_SLASHES = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(?!/)")

Engine = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="ray: normalise a whole data set into shards, with many workers. here: the same, in "
        "this process alone.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(help="With --engine ray: processes, one processor each. Default: all processors."),
]
ShardSize = Annotated[
    int | None, typer.Option(help="With --engine: photographs in each shard. Default: 1000.")
]
ShardFormat = Annotated[
    str | None,
    typer.Option("--format", help="With --engine: parquet or tfrecord. Default: parquet."),
]
Textures = Annotated[
    str | None,
    typer.Option(
        help="With --engine: how textures and masks are stored, png or raw (bytes). Default: png."
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="With --engine ray: the head of a Ray cluster, or auto for the cluster running on "
        "this machine. Default: RAY_ADDRESS if set; otherwise a new cluster is started.",
    ),
]


@dataclass(frozen=True)
class DataSetOptions:
    """The options that go with --engine, by name; None for those that are not given."""

    workers: int | None
    shard_size: int | None
    format: str | None
    textures: str | None
    ray_address: str | None

    def given(self) -> dict[str, Any]:
        """Returns the options that are given, by name."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def check_options(
    engine: str | None, options: DataSetOptions, of_pictures: Mapping[str, bool]
) -> None:
    """Ends the program with a message if the options cannot be combined.

    Args:
        engine: as given.
        options: the options that go with an engine.
        of_pictures: the options that do not go with an engine, and whether they are given.
    """
    for name in options.given() if engine is None else ():
        terminal.fail(f"--{name.replace('_', '-')} goes with --engine.")
    for name, is_given in of_pictures.items() if engine is not None else ():
        if is_given:
            terminal.fail(f"{name} does not go with --engine, which writes no pictures and tables.")
    for name in ("workers", "ray_address"):
        if engine != "ray" and name in options.given():
            terminal.fail(f"--{name.replace('_', '-')} goes with --engine ray.")


def normalise_all(
    photographs: Sequence[Path],
    out: Path | None,
    engine: str,
    options: DataSetOptions,
    settings: Mapping[str, Any],
) -> None:
    """Normalises a data set, shows the progress, and reports the outcome.

    Args:
        photographs: one folder, table or URL.
        out: the folder or URL for the results.
        engine: as for `normalise_data_set`.
        options: the options that go with the engine.
        settings: further arguments of `normalise_data_set`.
    """
    from keras_3dmmstn.drawing.results.files import without_results
    from keras_3dmmstn.inference.data_sets import normalise_data_set
    from keras_3dmmstn.inference.data_sets.places import without_credentials

    if len(photographs) != 1:
        terminal.fail(f"--engine expects one folder, table or URL, received {len(photographs)}.")
    if out is None:
        terminal.fail("--engine goes with --out.")
    with (
        _stopped_with_a_message(),
        terminal.failing_on(ImportError, OSError, ValueError),
        _told() as progress,
    ):
        manifest = normalise_data_set(
            _where(photographs[0]),
            _where(out),
            engine=engine,
            progress=progress,
            among=without_results,
            **options.given(),
            **settings,
        )
        raise_if_stopped()
    _report(manifest, without_credentials(_where(out)))


def _where(path: Path) -> Path | str:
    """Returns a path, or the URL that was parsed as one."""
    text = str(path)
    return _SLASHES.sub(r"\1://", text) if _SLASHES.match(text) and not path.exists() else path


@contextmanager
def _stopped_with_a_message() -> Iterator[None]:
    """Tells the user how to continue a run that was stopped."""
    try:
        yield
    except KeyboardInterrupt:
        end_stopped("Stopped. Repeat the command to go on after the last shard that is done.")


@contextmanager
def _told():
    """Yields a function that shows progress: a line that changes, or one line per minute."""
    failures, last = 0, time.monotonic()
    with photographs_with_progress() as show:

        def tell(progress: "DataSetProgress") -> None:
            nonlocal failures, last
            raise_if_stopped()
            outcome = progress.outcome
            failures += outcome.count("failed") if outcome else 0
            shards = f"{progress.shards_done}/{progress.shards} shards"
            about = f"{shards}, {failures} failed" if failures else shards
            show(progress.photographs_done, progress.photographs, about)
            if not terminal.errors.is_terminal and time.monotonic() - last > _LINE_SECONDS:
                last = time.monotonic()
                terminal.remark(about)

        yield tell


def _report(manifest, place):
    """Prints what a finished data set contains."""
    told = f"{manifest['photographs']} photographs, {manifest['faces']} faces"
    for name, what in {"without_face": "without a face", "failed": "failed"}.items():
        told += f", {manifest[name]} {what}" if manifest[name] else ""
    terminal.tell_if_possible(f"{place}: {told}")
    if manifest["failed"] or manifest["without_face"]:
        terminal.remark(f"failures.csv in {place} says which, and why.")
