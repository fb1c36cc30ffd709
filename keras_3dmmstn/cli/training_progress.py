"""The progress of a training run on a terminal."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn

from keras_3dmmstn.cli.progress import progress_bar

if TYPE_CHECKING:
    from keras_3dmmstn.training.epoch_callback import StepProgress


class TrainingProgress:
    """A line that shows the state of a training run: reading, preparing the first step, or steps.

    Args:
        bar: a bar with the columns of `training_progress`.
    """

    def __init__(self, bar: Progress):
        self._bar = bar
        self._task = bar.add_task("Starting", total=None, numbers="")
        self._first: tuple[float, int] | None = None  # when the first step ended, and its number

    def reading(self, faces: Sequence) -> Iterable:
        """Iterates over the faces of a data set."""
        self._show("Reading photographs", 0, len(faces))
        for number, face in enumerate(faces, start=1):
            yield face
            self._show("Reading photographs", number, len(faces))
        self._show("Preparing the first step", 0, None)

    def step(self, progress: "StepProgress") -> None:
        """Shows a step, the loss, the speed, and the remaining time of the run."""
        p = progress
        numbers = f"loss {p.loss:.4g}  {p.photographs_per_second:.0f} photographs/s"
        done, whole = (p.epoch - 1) * p.steps + p.step, p.epochs * p.steps
        now = time.monotonic()
        if self._first is None:
            self._first = now, done  # the first step takes longer than the others
        elif done > self._first[1]:
            seconds = (now - self._first[0]) / (done - self._first[1]) * (whole - done)
            numbers += f"  {timedelta(seconds=round(seconds))} left"
        epoch = f"Epoch {p.epoch}/{p.epochs}"
        if p.step < p.steps:
            self._show(epoch, p.step, p.steps, numbers)
        else:
            self._show(f"{epoch}, measuring and saving", 0, None, numbers)

    def _show(self, what, completed, total, numbers=""):
        count = f"{completed}/{total}  " if total else ""
        self._bar.update(
            self._task, description=what, completed=completed, total=total, numbers=count + numbers
        )


@contextmanager
def training_progress() -> Iterator[TrainingProgress]:
    """Yields the progress of a training run; it is shown on a terminal only."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.fields[numbers]}"),
    )
    with progress_bar(*columns) as bar:
        yield TrainingProgress(bar)
