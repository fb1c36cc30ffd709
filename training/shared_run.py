"""What the workers of a run share: settings, inputs and initial state."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras

from keras_3dmmstn.training.checkpoint import (
    LATEST,
    Progress,
    restore_checkpoint,
    save_checkpoint,
)
from keras_3dmmstn.training.cluster_place import place_in_cluster
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.workers import Workers


def check_setting_for_workers(config: TrainingConfig) -> None:
    """Raises a ValueError for settings that do not work with the workers of TF_CONFIG."""
    count = place_in_cluster().count
    if count == 1:
        return
    if config.batch_size % count:
        raise ValueError(
            f"Expected a batch_size that {count} workers can divide, received {config.batch_size}."
        )
    for name, value in {"precision": "mixed_float16", "jit_compile": "on"}.items():
        if getattr(config, name) == value:
            raise ValueError(f"{name} = {value} does not go with several workers.")


def check_same_run(config: TrainingConfig, inputs: Mapping[str, Any], workers: Workers) -> None:
    """Raises a ValueError in a worker whose settings or inputs differ from the chief's."""
    own = {**asdict(config), **inputs}
    chief = json.loads(workers.from_chief(json.dumps(own).encode()))
    own = json.loads(json.dumps(own))
    names = [name for name in {**own, **chief} if own.get(name) != chief.get(name)]
    if names:
        differences = "; ".join(f"{n}: {own.get(n)}, not {chief.get(n)}" for n in names)
        raise ValueError(
            f"Expected the settings and inputs of the chief in each worker, received {differences}."
        )


def restore_everywhere(
    folder: Path, trainer: keras.Model, workers: Workers, steps: int | None = None
) -> Progress:
    """Restores the chief from its last checkpoint, and gives the other workers its state.

    Args:
        folder, trainer, steps: as for `restore_checkpoint`.
        workers: the processes that train together.

    Returns:
        How far the run is.
    """
    is_chief = workers.place.is_chief
    progress = restore_checkpoint(folder, trainer, steps) if is_chief else Progress()
    if workers.place.count == 1:
        return progress
    with TemporaryDirectory() as aside:
        state = Path(aside) / LATEST
        if is_chief:
            save_checkpoint(state.parent, trainer, progress)
        content = workers.from_chief(state.read_bytes() if is_chief else b"")
        if is_chief:
            return progress
        state.write_bytes(content)
        return restore_checkpoint(state.parent, trainer)
