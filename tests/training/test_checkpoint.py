"""Checkpoints: everything that a run is in, in one file that is whole."""

import errno

import keras
import numpy as np
import pytest

from keras_3dmmstn.training import checkpoint
from keras_3dmmstn.training.checkpoint import (
    Progress,
    restore_checkpoint,
    save_checkpoint,
    saved_progress,
)
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.optimisation import build_optimiser


def trainer(units=3, scaled=False):
    """A model with random layers and batch statistics, under several optimisers."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(units),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(2, name="head"),
        ]
    )
    config = TrainingConfig(learning_rate=1e-2, schedule="cosine", ema_momentum=0.9)
    optimiser = build_optimiser(config, 20)
    if scaled:
        optimiser = keras.optimizers.LossScaleOptimizer(optimiser, initial_scale=8.0)
    model.compile(optimiser, "mse", auto_scale_loss=False)
    optimiser.build(model.trainable_variables)
    return model


def after_epochs(epoch, step=0):
    """The progress of a run that is so far."""
    return Progress(epoch, step, {"loss": 0.5} if step else {}, [{"loss": 2.0}] * epoch)


def step(model):
    x = np.arange(24, dtype=np.float32).reshape(6, 4) / 24
    model.train_on_batch(x, x[:, :2])


@pytest.mark.parametrize("scaled", [False, True])
def test_a_restored_model_goes_on_as_the_saved_one(scaled, tmp_path):
    model = trainer(scaled=scaled)
    for _ in range(3):
        step(model)
    progress = Progress(1, step=1, partial={"loss": 0.5}, history=[{"loss": 2.0}])
    save_checkpoint(tmp_path, model, progress)
    for _ in range(3):
        step(model)

    twin = trainer(scaled=scaled)
    assert restore_checkpoint(tmp_path, twin, steps=2) == progress
    for _ in range(3):
        step(twin)
    for expected, received in zip(model.variables, twin.variables, strict=True):
        np.testing.assert_array_equal(received.numpy(), expected.numpy(), err_msg=expected.path)
    pairs = zip(model.optimizer.variables, twin.optimizer.variables, strict=True)
    for expected, received in pairs:
        np.testing.assert_array_equal(received.numpy(), expected.numpy(), err_msg=expected.path)


def test_without_a_checkpoint_a_run_begins(tmp_path):
    assert restore_checkpoint(tmp_path, trainer()) == Progress()


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path):
    model = trainer()
    save_checkpoint(tmp_path, model, after_epochs(1))
    before = [variable.numpy() for variable in model.variables]
    step(model)
    save_checkpoint(tmp_path, model, after_epochs(2))
    latest = tmp_path / "checkpoint.npz"
    latest.write_bytes(latest.read_bytes()[:1000])

    twin = trainer()
    assert restore_checkpoint(tmp_path, twin).epoch == 1
    for variable, value in zip(twin.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_how_far_a_run_is_can_be_read_without_its_model(tmp_path):
    assert saved_progress(tmp_path) == Progress()
    for epoch in (1, 2):
        save_checkpoint(tmp_path, trainer(), after_epochs(epoch, step=3))
    assert saved_progress(tmp_path) == after_epochs(2, step=3)
    latest = tmp_path / "checkpoint.npz"
    latest.write_bytes(latest.read_bytes()[:1000])
    assert saved_progress(tmp_path).epoch == 1
    (tmp_path / "checkpoint.previous.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"No checkpoint .*checkpoint\.npz.*previous\.npz"):
        saved_progress(tmp_path)


def test_only_damaged_checkpoints_are_named(tmp_path):
    for name in ("checkpoint.npz", "checkpoint.previous.npz"):
        (tmp_path / name).write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"No checkpoint .*checkpoint\.npz.*previous\.npz"):
        restore_checkpoint(tmp_path, trainer())


@pytest.mark.parametrize(
    "progress",
    [
        "no JSON",
        '{"epoch": 1, "loops": 2}',
        '{"epoch": "one"}',
        '{"epoch": -1}',
        '{"epoch": 1, "history": [3]}',
        '{"epoch": 1, "partial": {"loss": "low"}}',
        '{"partial": []}',
        "[" * 50_000,
        '{"epoch": 1}',  # without what was measured in it
        '{"step": 1}',
        '{"step": 0, "partial": {"loss": 1.0}}',
        '{"step": 1, "partial": {"loss": NaN}}',
        '{"step": 1, "partial": {"loss": 1' + "0" * 400 + "}}",
        '{"step": 1000000000000000, "partial": {"loss": 1.0}}',
        '{"epoch": 1, "history": [{"loss": true}]}',
    ],
)
def test_a_checkpoint_with_other_progress_is_named(progress, tmp_path):
    model = trainer()
    save_checkpoint(tmp_path, model, after_epochs(1))
    with np.load(tmp_path / "checkpoint.npz") as archive:
        arrays = {**archive, "progress": np.array(progress)}
    np.savez(tmp_path / "checkpoint.npz", **arrays)
    with pytest.raises(ValueError, match=r"checkpoint\.npz: expected the progress of a run"):
        restore_checkpoint(tmp_path, model)


@pytest.mark.parametrize(
    ("steps", "epoch", "step_of_epoch", "expected"),
    [
        (2, 0, 2, r"2 steps an epoch, received 0 epochs and 2 steps"),
        (2, 0, 1, r"0 epochs and 1 steps, where the optimiser has counted 2 steps"),
        (2, 2, 0, r"2 epochs and 0 steps, where the optimiser has counted 2 steps"),
    ],
)
def test_a_checkpoint_of_steps_that_were_not_made_is_named(
    steps, epoch, step_of_epoch, expected, tmp_path
):
    model = trainer()
    step(model)
    step(model)
    save_checkpoint(tmp_path, model, after_epochs(epoch, step_of_epoch))
    with pytest.raises(ValueError, match=rf"checkpoint\.npz: expected the progress.*{expected}"):
        restore_checkpoint(tmp_path, trainer(), steps)


def test_a_scaled_loss_may_have_left_out_steps(tmp_path):
    save_checkpoint(tmp_path, trainer(scaled=True), after_epochs(1, step=1))
    assert restore_checkpoint(tmp_path, trainer(scaled=True), steps=2).epoch == 1


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    model = trainer()
    save_checkpoint(tmp_path, model, after_epochs(1))

    def savez(file, **arrays):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.np, "savez", savez)
    with pytest.raises(OSError, match=r"checkpoint before it stays.*No space left"):
        save_checkpoint(tmp_path, model, after_epochs(2))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]
    assert restore_checkpoint(tmp_path, model).epoch == 1


def test_a_checkpoint_of_another_model_is_refused_and_changes_nothing(tmp_path):
    save_checkpoint(tmp_path, trainer(units=5), after_epochs(1))
    model = trainer()
    before = [variable.numpy() for variable in model.variables]
    with pytest.raises(ValueError, match=r"expected a checkpoint of this model with .* arrays"):
        restore_checkpoint(tmp_path, model)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
