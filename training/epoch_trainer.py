"""The epochs of a run: each is trained, measured and written, in one part or two."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras

from keras_3dmmstn.training.checkpoint import Progress, save_checkpoint
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.mixture import Mixture
from keras_3dmmstn.training.data.run_data import epoch_batches
from keras_3dmmstn.training.epoch_callback import EpochCallback, StepProgress, averaged_weights
from keras_3dmmstn.training.run_folder import write_log
from keras_3dmmstn.training.run_results import RunResults
from keras_3dmmstn.training.workers import Workers


@dataclass
class EpochTrainer:
    """Trains the remaining epochs of a run.

    Attributes:
        trainer: the compiled model.
        config: the numbers of the run.
        source: the faces to train on.
        steps: steps per epoch.
        progress: how far the run is; it is kept up to date.
        results: what is written after each epoch; None in workers other than the chief, which
            write and measure nothing.
        settle: called after the steps of each epoch, before anything is measured.
        measure: called after each epoch, with the weights that are saved; returns measurements.
        step_progress: called after each step.
        workers: the processes that train together.
    """

    trainer: keras.Model
    config: TrainingConfig
    source: Mixture
    steps: int
    progress: Progress
    results: RunResults | None
    settle: Callable[[], None]
    measure: Callable[[], dict[str, float]]
    step_progress: Callable[[StepProgress], None] | None
    workers: Workers

    def train(self) -> Iterator[str]:
        """Trains each epoch, writes its results and a checkpoint, and yields a line on it."""
        progress = self.progress
        while progress.epoch < self.config.epochs:
            began = time.perf_counter()
            callback = self._fit()
            row = callback.means()
            self.settle()
            with averaged_weights(self.trainer, callback):
                row |= self.measure()
                if self.results:
                    self.results.write(progress.epoch + 1, row)
            row["seconds"] = round(time.perf_counter() - began, 2)
            progress.epoch, progress.step, progress.partial = progress.epoch + 1, 0, {}
            progress.history.append(row)
            self._save(progress)
            if self.results:
                write_log(self.results.folder, progress.history)
            faces = (self.steps - callback.first_step) * self.config.batch_size
            yield _line(progress.epoch, self.config.epochs, row, faces / row["seconds"])

    def _save(self, progress):
        """Writes a checkpoint if this process is the chief."""
        if self.results:
            save_checkpoint(self.results.folder, self.trainer, progress)

    def _fit(self):
        """Trains the rest of one epoch."""
        progress, config, place = self.progress, self.config, self.workers.place
        callback = EpochCallback(progress, self.steps, config, self._save, self.step_progress)
        batches = epoch_batches(self.source, config, progress.epoch, place.index, place.count)
        self.trainer.fit(
            self.workers.distributed(batches.skip(progress.step)),
            steps_per_epoch=self.steps - progress.step,
            initial_epoch=progress.epoch,
            epochs=progress.epoch + 1,
            shuffle=False,  # the pipeline shuffles
            callbacks=[callback],
            verbose=0,
        )
        return callback


def _line(epoch, epochs, row, rate):
    """Returns the results of an epoch as one line."""
    values = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "seconds")
    return f"epoch {epoch}/{epochs}  {values}  {rate:.0f} photographs/s"
