"""Progress bars and lines that show that a command is at work."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.terminal import errors, output, remark


def progress_bar(*columns: ProgressColumn) -> Progress:
    """Returns a bar that is shown on a terminal and disappears when it is done.

    What is printed meanwhile appears above it, unless it goes to a file.
    """
    return Progress(
        *columns,
        console=errors,
        transient=True,
        disable=terminal.is_quiet or not errors.is_terminal,
        redirect_stdout=output.is_terminal,
    )


def tracking(title: str, count: int | None = None) -> Callable[[Iterable], Iterable]:
    """Returns a function that iterates over items with a progress bar.

    Args:
        title: what is done with the items.
        count: how many there are, for items that have no length.
    """

    def track(items):
        with progress_bar() as bar:
            yield from bar.track(items, total=count, description=title)

    return track


def frames_with_progress(frames: Iterable, count: int | None = None) -> Iterator:
    """Yields a video's frames with a bar that shows the number of frames per second.

    Args:
        frames: the frames.
        count: how many there are, None if unknown.
    """
    columns = MofNCompleteColumn(), BarColumn(), _Speed("frames"), TimeRemainingColumn()
    with progress_bar(*columns) as bar:
        yield from bar.track(frames, total=count, description="")


@contextmanager
def photographs_with_progress() -> Iterator[Callable[[int, int, str], None]]:
    """Yields a function that shows how many photographs are done, of how many, and a remark."""
    columns = MofNCompleteColumn(), BarColumn(), _Speed("photographs"), TimeRemainingColumn()
    with progress_bar(*columns, TextColumn("{task.description}")) as bar:
        task = None

        def show(done: int, total: int, about: str) -> None:
            nonlocal task
            if task is None:
                task = bar.add_task(about, total=total, completed=done)
            bar.update(task, completed=done, description=about)

        yield show


class _Speed(ProgressColumn):
    """How many items are done per second."""

    def __init__(self, what: str):
        super().__init__()
        self._what = what

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.0f} {self._what}/s" if speed else "")


@contextmanager
def steps(count: int) -> Iterator[Callable[[str], None]]:
    """Yields a function that shows the next of `count` steps and the time so far.

    On a terminal the line changes; elsewhere each step has its own line.
    """
    if not errors.is_terminal:
        yield _lines(count)
        return
    columns = SpinnerColumn(), MofNCompleteColumn(), TextColumn("{task.description}")
    with progress_bar(*columns, TimeElapsedColumn()) as bar:
        task = bar.add_task("", total=count)

        def begin(step: str) -> None:
            bar.update(task, description=step, advance=1)

        yield begin


def _lines(count):
    """Returns a function that prints a line for each step."""
    began, number = time.monotonic(), 0

    def begin(step: str) -> None:
        nonlocal number
        number += 1
        remark(f"{number}/{count} {step} ({time.monotonic() - began:.0f} s)")

    return begin
