"""A training run: from folders of labelled photographs to a folder with the trained localiser."""

import json
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.folder_lock import folder_in_use
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.weights_folder import LOCALISER_FILE
from keras_3dmmstn.network.widening import begin_with
from keras_3dmmstn.training.checkpoint import saved_progress
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.batches import evaluation_batches
from keras_3dmmstn.training.data.run_data import (
    describe_sources,
    epoch_batches,
    read_sources,
    skipped_faces,
)
from keras_3dmmstn.training.data.shards import named_damage
from keras_3dmmstn.training.epoch_callback import StepProgress
from keras_3dmmstn.training.epoch_trainer import EpochTrainer
from keras_3dmmstn.training.network import (
    build_measure,
    build_network,
    build_trainer,
    smooth_face_model,
    uses_xla,
)
from keras_3dmmstn.training.run_folder import begin_run, describe_model, write_log
from keras_3dmmstn.training.run_results import RunResults
from keras_3dmmstn.training.shared_run import (
    check_same_run,
    check_setting_for_workers,
    restore_everywhere,
)
from keras_3dmmstn.training.workers import joined_workers

logger = logging.getLogger(__name__)


def train(
    folders: Sequence[str | Path],
    out: str | Path,
    validation: Sequence[str | Path] = (),
    grid_model: GridModel | None = None,
    config: TrainingConfig | None = None,
    start: str | Path | None = None,
    *,
    weights: Sequence[float] | None = None,
    unmirrored: Sequence[str | Path] = (),
    report: Callable[[str], None] = print,
    progress_bar: Callable[[Sequence], Iterable] = iter,
    step_progress: Callable[[StepProgress], None] | None = None,
) -> list[dict[str, Any]]:
    """Trains a localiser and writes it to a folder that `Normaliser.load` reads.

    A run that was stopped at any moment continues when it is started again with the same arguments,
    and ends as it would have ended without the break. For a finished run, only the history is
    returned.

    `config.epochs` may be raised for a run that was begun, finished or not; everything else must
    stay the same. The learning rate is then that of the longer run at the same step: a cosine
    schedule rises again to its value there, and warm-up is a share of the new number of steps. So
    the result differs from that of a run begun with the new number of epochs, unless the rate is
    constant.

    If TF_CONFIG in the environment names several workers, each of them calls this with the same
    arguments, before TensorFlow has done anything else, and gets the same history. The workers
    share each batch. Only the first one writes to `out`, which the others need not see.

    Args:
        folders: data sets to train on, each a folder of labelled photographs or of shards.
        out: the folder of the run. `localiser.keras` and `face_model.npz` are its result;
            `config.toml`, `run.json`, `log.csv` and `events` record how it was made;
            `checkpoint.npz` is where a stopped run continues.
        validation: data sets to measure the error on after each epoch.
        grid_model: the face model; the bundled one by default.
        config: the numbers of the run; the paper's by default.
        start: a `localiser.keras` to start from, or its folder; for base it may also be one of
            compact, which is widened.
        weights: how often each of `folders` is drawn from; by default its number of faces.
        unmirrored: those of `folders` whose faces augmentation does not reflect, such as those
            labelled by a detector, whose errors are not mirror symmetric.
        report: called with a line of text on what happens.
        progress_bar: called on the sequence of faces that is read, to show progress.
        step_progress: called after each step with the progress of the epoch.

    Returns:
        What was measured in each epoch.

    Raises:
        FileNotFoundError: if a file of weights is missing.
        FolderInUseError: if another process is writing to `out`.
        WorkersError: if another worker of the run has ended.
        FloatingPointError: if the loss is no longer finite; the last good weights are kept.
        ValueError: if the photographs do not fill a batch, the folder contains a different run or
            one that has done more epochs than `config.epochs`, or a shard is damaged; if TF_CONFIG
            is damaged, or its workers do not divide the batch or get different arguments.
    """
    config, grid_model = config or TrainingConfig(), grid_model or GridModel.bundled()
    out, start = Path(out), start and _localiser_file(start)
    check_setting_for_workers(config)
    with joined_workers(report) as workers, _kept_folder(out, workers):
        report = report if workers.place.is_chief else _unsaid
        # Faults in files of weights are found before anything is read or written.
        with workers.scope():
            model = _first_network(config, grid_model, start)
        source = read_sources(folders, config, weights, progress_bar, unmirrored)
        measured = None
        if validation:
            measured = read_sources(validation, config, None, progress_bar, measured=True)
        _report_skipped(source, measured, report)
        steps = int(epoch_batches(source, config, 0).cardinality())
        inputs = {
            "train": describe_sources(folders, source, config.compares_people),
            "validation": describe_sources(validation, measured),
            **describe_model(grid_model, start),
        }
        _begin(out, config, inputs, workers, report)
        _log_run(model, config, source, steps)
        with workers.scope():
            trainer = build_trainer(model, config, steps * config.epochs)
        progress = restore_everywhere(out, trainer, workers, steps)
        if _is_finished(out, progress, config, steps, report, workers):
            return progress.history
        with named_damage(source.sources + (measured.sources if measured else ())):
            results, measure = None, _measurement(model, config, measured, workers)
            if workers.place.is_chief:
                results = RunResults(out, model, grid_model, config, measured or source)
            trainer_of_epochs = EpochTrainer(
                trainer=trainer,
                config=config,
                source=source,
                steps=steps,
                progress=progress,
                results=results,
                settle=partial(smooth_face_model, config, model, grid_model),
                measure=measure,
                step_progress=step_progress,
                workers=workers,
            )
            for line in trainer_of_epochs.train():
                report(line)
        return json.loads(workers.from_chief(json.dumps(progress.history).encode()))


def _unsaid(line):
    """Prints nothing, as the chief reports."""


def _kept_folder(out, workers):
    """Locks the folder of the run for the process that writes to it."""
    return folder_in_use(out) if workers.place.is_chief else nullcontext()


def _begin(out, config, inputs, workers, report):
    """Begins or continues the run in its folder; all workers must have the same run."""
    check_same_run(config, inputs, workers)
    if workers.place.is_chief:
        epochs_before = begin_run(out, config, inputs, saved_progress(out).epoch)
        _report_epochs(epochs_before, config, report)


def _localiser_file(path):
    """Returns the localiser at a path, which may be its folder."""
    return Path(path) / LOCALISER_FILE if Path(path).is_dir() else Path(path)


def _first_network(config, grid_model, start):
    """Returns the network to start from: random weights by the seed, or those of a localiser."""
    keras.utils.set_random_seed(config.seed)
    model = build_network(config, grid_model)
    if start is not None:
        begin_with(model.get_layer("localiser"), start)
    return model


def _log_run(model, config, source, steps):
    """Logs the hardware of a run and how much there is to do."""
    devices = [device.name for device in tf.config.get_visible_devices()]
    compiled = "by XLA" if uses_xla(config) else "as graphs of TensorFlow"
    logger.info("devices: %s; %s, steps %s", ", ".join(devices), config.precision, compiled)
    logger.info(
        "%d numbers to train on %d faces: %d epochs of %d steps of %d photographs",
        *(sum(math.prod(weight.shape) for weight in model.trainable_weights), len(source)),
        *(config.epochs, steps, config.batch_size),
    )


def _report_skipped(source, measured, report):
    """Reports which photographs could not be used."""
    for skipped in skipped_faces(source) + (skipped_faces(measured) if measured else []):
        report(f"skipped: {skipped}")


def _report_epochs(before, config, report):
    """Reports a changed number of epochs, and its effect on the learning rate."""
    if config.epochs == before:
        return
    change = "raised" if config.epochs > before else "lowered"
    line = f"epochs {change}: {before} → {config.epochs}."
    if config.schedule != "constant" or config.warm_up:
        line += f" The learning rate now follows the schedule of {config.epochs} epochs"
        rises = config.schedule == "cosine" and config.epochs > before
        line += " (cosine: it rises again)." if rises else "."
    report(line)


def _is_finished(out, progress, config, steps, report, workers):
    """Returns whether all epochs of a run are done; reports how far a run begun before is."""
    if workers.place.is_chief and (progress.epoch or progress.step):
        write_log(out, progress.history)
    if progress.epoch >= config.epochs:
        report(
            f"The run in {out} is finished: {progress.epoch} epochs are done. Raise epochs to go "
            "on with it."
        )
        return True
    if progress.epoch or progress.step:
        report(f"continues after epoch {progress.epoch} (step {progress.step} of {steps})")
    return False


def _measurement(model, config, measured, workers):
    """Returns a function that measures the network on the validation faces, for the chief."""
    if measured is None or not workers.place.is_chief:
        return dict
    evaluator, batches = build_measure(model, config), evaluation_batches(measured, config)

    def measure():
        values = evaluator.evaluate(batches, return_dict=True, verbose=0)
        return {f"val_{name}": float(value) for name, value in values.items()}

    return measure
