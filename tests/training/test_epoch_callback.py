"""What is looked after within an epoch."""

import itertools

import keras
import numpy as np
import pytest

from keras_3dmmstn.training import epoch_callback
from keras_3dmmstn.training.checkpoint import Progress
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.epoch_callback import EpochCallback

CONFIG = TrainingConfig(epochs=7, batch_size=4, checkpoint_steps=2)


def fit(callback, steps, labels=None):
    """Fits a model of one weight, which stays, to steps whose losses are 0, 1, 4 ..."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.ones((1, 1), np.float32)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.repeat(np.arange(steps, dtype=np.float32), 4)[:, None]
    y = np.zeros_like(x) if labels is None else labels
    model.fit(x, y, batch_size=4, shuffle=False, callbacks=[callback], verbose=0)


def test_every_step_is_reported(monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(epoch_callback.time, "perf_counter", lambda: 0.5 * next(ticks))
    seen = []
    callback = EpochCallback(Progress(epoch=2), 4, CONFIG, lambda progress: None, seen.append)
    fit(callback, 4)
    assert [(s.epoch, s.epochs, s.step, s.steps) for s in seen] == [
        (3, 7, step, 4) for step in (1, 2, 3, 4)
    ]
    assert [s.loss for s in seen] == pytest.approx([0, 0.5, 5 / 3, 3.5])
    assert all(s.photographs_per_second == pytest.approx(8) for s in seen)  # 4 in half a second


def test_the_first_step_does_not_count_in_the_rate(monkeypatch):
    times = iter([0.0, 20.0, 21.0, 22.0])
    monkeypatch.setattr(epoch_callback.time, "perf_counter", lambda: next(times))
    seen = []
    fit(EpochCallback(Progress(), 3, CONFIG, lambda progress: None, seen.append), 3)
    assert [s.photographs_per_second for s in seen] == pytest.approx([0.2, 4, 4])


def test_an_epoch_that_goes_on_counts_what_was_done_before():
    progress = Progress(epoch=1, step=2, partial={"loss": 10.0})
    seen, saved = [], []
    callback = EpochCallback(
        progress, 4, CONFIG, lambda progress: saved.append(progress.step), seen.append
    )
    fit(callback, 2)
    assert [s.step for s in seen] == [3, 4]
    assert [s.loss for s in seen] == pytest.approx([20 / 3, (20 + 0 + 1) / 4])
    assert callback.means()["loss"] == seen[-1].loss
    assert saved == []  # the end of the epoch has a checkpoint of its own


def test_checkpoints_are_saved_on_the_way():
    saved = []
    fit(EpochCallback(Progress(), 5, CONFIG, lambda progress: saved.append(progress.step)), 5)
    assert saved == [2, 4]


def test_a_loss_that_is_not_finite_stops_the_epoch():
    labels = np.zeros((12, 1), np.float32)
    labels[5] = np.nan
    callback = EpochCallback(Progress(epoch=3), 3, CONFIG, lambda progress: None)
    with pytest.raises(FloatingPointError, match="became nan in step 2 of epoch 4"):
        fit(callback, 3, labels)
    assert callback.progress.step == 1
