"""Monitors an epoch: stops at a loss that is not finite, and saves checkpoints on the way."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_3dmmstn.training.checkpoint import Progress
from keras_3dmmstn.training.config import TrainingConfig


@dataclass(frozen=True)
class StepProgress:
    """How far a run is within an epoch.

    Attributes:
        epoch: counted from 1.
        epochs: epochs of the whole run.
        step: step of the epoch, counted from 1; also the number of steps done.
        steps: steps of the epoch.
        photographs_per_second: the mean since the epoch's first step, which may compile.
        loss: the mean over the epoch so far.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    photographs_per_second: float
    loss: float


class EpochCallback(keras.callbacks.Callback):
    """Monitors one epoch of `fit`, which may start in the middle.

    Args:
        progress: how far the run is; `step` and `partial` are kept up to date.
        steps: steps of a whole epoch.
        config: sets `checkpoint_steps` and whether weights are averaged.
        save: called with `progress` for a checkpoint within the epoch.
        step_progress: called with a `StepProgress` after each step.
    """

    def __init__(
        self,
        progress: Progress,
        steps: int,
        config: TrainingConfig,
        save: Callable[[Progress], None],
        step_progress: Callable[[StepProgress], None] | None = None,
    ):
        super().__init__()
        self.progress, self.steps, self.config, self.save = progress, steps, config, save
        self.first_step, self.before = progress.step, dict(progress.partial)
        self.weights: list[np.ndarray] | None = None
        self._step_progress = step_progress
        self._means: dict[str, float] = {}
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Records the means, stops at a loss that is not finite, saves and reports."""
        step = self.first_step + batch + 1
        self._means = {name: float(value) for name, value in (logs or {}).items()}
        if not math.isfinite(self._means["loss"]):
            raise FloatingPointError(
                f"The loss became {self._means['loss']} in step {step} of epoch "
                f"{self.progress.epoch + 1}. Weights and checkpoint of the run are those before "
                "it. Begin another run with a smaller learning_rate, or from the last weights "
                "with --start."
            )
        self.progress.step = step
        self.progress.partial = self.means()
        every = self.config.checkpoint_steps
        if every and step % every == 0 and step < self.steps:
            self.save(self.progress)
        if self._step_progress:
            self._step_progress(self._how_far(batch + 1))

    def _how_far(self, done):
        """Describes the epoch after `done` steps in this process."""
        now = time.perf_counter()
        if done == 1:
            steps, seconds, self._began = 1, now - self._began, now
        else:
            steps, seconds = done - 1, now - self._began
        return StepProgress(
            self.progress.epoch + 1,
            self.config.epochs,
            self.progress.step,
            self.steps,
            steps * self.config.batch_size / max(seconds, 1e-9),
            self.progress.partial["loss"],
        )

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Stores the weights as they were trained."""
        if self.config.ema_momentum:
            # At the end of `fit` Keras replaces the weights with their average.
            self.weights = [variable.numpy() for variable in self.model.trainable_variables]

    def means(self) -> dict[str, float]:
        """Returns the means over the steps of the epoch so far, including those before a break."""
        share = self.first_step / max(self.progress.step, 1)
        return {
            name: share * self.before.get(name, value) + (1 - share) * value
            for name, value in self._means.items()
        }


@contextmanager
def averaged_weights(trainer: keras.Model, callback: EpochCallback) -> Iterator[None]:
    """Keeps the averaged weights that `fit` left, and afterwards restores the trained ones.

    The averages are variables of the optimiser, so its checkpoint includes them.
    """
    yield
    if callback.weights is not None:
        for variable, value in zip(trainer.trainable_variables, callback.weights, strict=True):
            variable.assign(value)
