"""Checkpoints: the whole state of a run in one file, written atomically."""

import json
import math
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.mesh.numpy_files import read_npz

#: The last checkpoint of a run, in its folder.
LATEST = "checkpoint.npz"
_PREVIOUS = "checkpoint.previous.npz"
# No run has this many epochs, or steps in an epoch.
_MANY = 10**12


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        epoch: the number of complete epochs.
        step: the number of steps done in the next epoch.
        partial: means over these steps.
        history: the measurements of each complete epoch.
    """

    epoch: int = 0
    step: int = 0
    partial: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)


def save_checkpoint(folder: Path, trainer: keras.Model, progress: Progress) -> None:
    """Writes weights, optimiser and progress, and keeps the previous checkpoint beside it.

    Whenever the process is killed, one of the two files is intact.

    Raises:
        OSError: if it cannot be written, as on a full disk; earlier checkpoints are kept.
    """
    arrays = {name: variable.numpy() for name, variable in _state(trainer).items()}
    arrays["progress"] = np.array(json.dumps(vars(progress)))
    try:
        with atomic_destination(folder / LATEST) as aside:
            with aside.open("wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            if (folder / LATEST).exists():
                (folder / LATEST).replace(folder / _PREVIOUS)
    except OSError as error:
        reason = f"The checkpoint before it stays; this one cannot be written: {error.strerror}"
        raise OSError(error.errno, reason, str(folder / LATEST)) from error


def restore_checkpoint(folder: Path, trainer: keras.Model, steps: int | None = None) -> Progress:
    """Restores a model and its optimiser from the last intact checkpoint.

    Args:
        folder: the folder of the run.
        trainer: the compiled model.
        steps: steps per epoch; the progress must agree with them and with the steps counted by the
            optimiser. Not checked if None.

    Returns:
        How far the run was; a new `Progress` if nothing was saved yet.

    Raises:
        ValueError: if there are checkpoints, but none is intact and of this model.
    """
    return _first_whole(folder, partial(_restore, trainer=trainer, steps=steps))


def saved_progress(folder: Path) -> Progress:
    """Returns how far the run in a folder is; a new `Progress` if nothing was saved yet.

    Raises:
        ValueError: if there are checkpoints, but none is intact.
    """
    return _first_whole(folder, lambda path: _progress(path, read_npz(path, ["progress"])))


def _first_whole(folder, read):
    """Returns the result of `read` for the last intact checkpoint; a new `Progress` without one."""
    faults = []
    for name in (LATEST, _PREVIOUS):
        if (folder / name).exists():
            try:
                return read(folder / name)
            except ValueError as error:
                faults.append(str(error))
    if faults:
        raise ValueError(f"No checkpoint of the run can be used. {' '.join(faults)}")
    return Progress()


def _progress(path, arrays):
    """Reads the progress from the arrays of a checkpoint."""
    text = str(arrays.pop("progress", ""))
    try:
        progress = Progress(**json.loads(text))
    except (ValueError, TypeError, RecursionError):
        progress = None
    if progress is None or not _can_be(progress):
        raise ValueError(f"{path}: expected the progress of a run in JSON, received {text[:80]!r}.")
    return progress


def _can_be(progress):
    """Returns whether a progress has valid counts, and numbers by name for what is done."""
    counts, rows = (progress.epoch, progress.step), progress.history
    if not all(type(count) is int and 0 <= count < _MANY for count in counts):
        return False
    if not (isinstance(rows, list) and all(map(_is_row, (progress.partial, *rows)))):
        return False
    # Training stops at a loss that is not finite, but measurements may be not finite.
    means = all(math.isfinite(value) for value in progress.partial.values())
    return len(rows) == progress.epoch and means and bool(progress.partial) == bool(progress.step)


def _is_row(row):
    """Returns whether a JSON value has numbers by name, all within the range of a float."""
    return isinstance(row, dict) and all(
        type(value) is float or (type(value) is int and abs(value) < _MANY)
        for value in row.values()
    )


def _check_steps(path, progress, counted, steps):
    """Raises a ValueError unless a progress agrees with the steps counted by the optimiser."""
    done = progress.epoch * steps + progress.step
    if progress.step >= steps or (counted is not None and counted != done):
        raise ValueError(
            f"{path}: expected the progress of a run with {steps} steps an epoch, received "
            f"{progress.epoch} epochs and {progress.step} steps"
            + ("." if counted is None else f", where the optimiser has counted {counted} steps.")
        )


def _counted_steps(trainer, state, arrays):
    """Returns the steps counted by the optimiser of a checkpoint; None if it skips some."""
    if isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer):
        return None  # it leaves steps out
    counter = trainer.optimizer.iterations
    return next((int(arrays[name]) for name, one in state.items() if one is counter), None)


def _restore(path, trainer, steps):
    """Reads one checkpoint; nothing is assigned unless everything matches."""
    arrays = read_npz(path)
    progress = _progress(path, arrays)
    state = _state(trainer)
    shapes = {name: tuple(variable.shape) for name, variable in state.items()}
    received = {name: array.shape for name, array in arrays.items()}
    if received != shapes:
        differing = [name for name in shapes if received.get(name) != shapes[name]]
        raise ValueError(
            f"{path}: expected a checkpoint of this model with {len(shapes)} arrays, received one "
            f"with {len(received)}; {len(differing)} are missing or of another shape, "
            f"{', '.join(differing[:3]) or 'none'} among them."
        )
    if steps is not None:
        _check_steps(path, progress, _counted_steps(trainer, state, arrays), steps)
    for name, variable in state.items():
        variable.assign(arrays[name])
    return progress


def _state(trainer):
    """Returns everything that changes in training, by names that are the same in each process.

    The optimiser's variables include its iterations, which are the position in the schedule, and
    the average of the weights; `variables` also includes the states of random layers.
    """
    groups = {"model": trainer.variables, "optimiser": trainer.optimizer.variables}
    return {
        f"{group}_{index}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }
