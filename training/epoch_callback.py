"""Looks after an epoch: stops at a loss that is not finite, and saves checkpoints on the way."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras

from keras_3dmmstn.training.checkpoint import Progress
from keras_3dmmstn.training.config import TrainingConfig


class EpochCallback(keras.callbacks.Callback):
    """Watches one epoch of `fit`, which may begin in the middle.

    Args:
        progress: how far the run is; `step` and `partial` are kept up to date.
        steps: steps of a whole epoch.
        config: gives `checkpoint_steps` and whether weights are averaged.
        save: called with `progress` for a checkpoint within the epoch.
    """

    def __init__(
        self,
        progress: Progress,
        steps: int,
        config: TrainingConfig,
        save: Callable[[Progress], None],
    ):
        super().__init__()
        self.progress, self.steps, self.config, self.save = progress, steps, config, save
        self.first_step, self.before = progress.step, dict(progress.partial)
        self.weights = None
        self._means = {}

    def on_train_batch_end(self, batch, logs=None):
        step = self.first_step + batch + 1
        self._means = {name: float(value) for name, value in logs.items()}
        if not math.isfinite(self._means["loss"]):
            raise FloatingPointError(
                f"The loss became {self._means['loss']} in step {step} of epoch "
                f"{self.progress.epoch + 1}. Weights and checkpoint of the run are those before "
                "it. Begin another run with a smaller learning_rate, or from the last weights "
                "with --start."
            )
        self.progress.step, self.progress.partial = step, self.means()
        every = self.config.checkpoint_steps
        if every and step % every == 0 and step < self.steps:
            self.save(self.progress)

    def on_epoch_end(self, epoch, logs=None):
        if self.config.ema_momentum:
            # At the end of `fit` Keras puts their average in the place of the weights.
            self.weights = [variable.numpy() for variable in self.model.trainable_variables]

    def means(self) -> dict[str, float]:
        """Returns the means over the steps of the epoch so far, those before a break included."""
        share = self.first_step / max(self.progress.step, 1)
        return {
            name: share * self.before.get(name, value) + (1 - share) * value
            for name, value in self._means.items()
        }


@contextmanager
def averaged_weights(trainer: keras.Model, callback: EpochCallback) -> Iterator[None]:
    """Keeps the averaged weights that `fit` left, and then puts back those that it trained.

    The averages themselves are the optimiser's variables, so that they are in its checkpoint.
    """
    yield
    if callback.weights is not None:
        for variable, value in zip(trainer.trainable_variables, callback.weights, strict=True):
            variable.assign(value)
