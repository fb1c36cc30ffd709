"""A training run: from folders of labelled photographs to a folder with the trained localiser."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import keras

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.pretrained import load_weights
from keras_3dmmstn.training.checkpoint import Progress, restore_checkpoint, save_checkpoint
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.batches import evaluation_batches
from keras_3dmmstn.training.data.mixture import Mixture
from keras_3dmmstn.training.data.run_data import (
    describe_sources,
    epoch_batches,
    read_sources,
    skipped_faces,
)
from keras_3dmmstn.training.data.shards import named_damage
from keras_3dmmstn.training.epoch_callback import EpochCallback, averaged_weights
from keras_3dmmstn.training.network import build_measure, build_network, build_trainer
from keras_3dmmstn.training.run_folder import begin_run, describe_model, write_log
from keras_3dmmstn.training.run_results import RunResults


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
    progress_bar: Callable = iter,
) -> list[dict]:
    """Trains a localiser and writes it to a folder that `Normaliser.load` reads.

    A run that was stopped, at whatever moment, goes on when it is started again with the same
    arguments, and ends as it would have ended without the break.

    Args:
        folders: data sets to train on, each a folder of labelled photographs or of shards.
        out: the folder of the run. `localiser.keras` and `face_model.npz` are its result;
            `config.toml`, `run.json`, `log.csv` and `events` say how it came about;
            `checkpoint.npz` is what it goes on from.
        validation: data sets to measure the error on after each epoch.
        grid_model: the face model; the bundled one by default.
        config: the numbers of the run; the paper's by default.
        start: a `localiser.keras` to begin with.
        weights: how often each of `folders` is drawn from; by default as many as it has faces.
        unmirrored: those of `folders` whose faces augmentation does not reflect, such as those that
            a detector labelled: its errors are not mirror symmetric.
        report: called with a line of text on what happens.
        progress_bar: called on the sequence of faces that is read, to show progress.

    Returns:
        What was measured in each epoch.

    Raises:
        FileNotFoundError: if a file of weights is missing.
        FloatingPointError: if the loss is no longer finite; the last good weights stay.
        ValueError: if the photographs do not fill a batch, the folder's run is another one, or a
            shard is damaged.
    """
    config, grid_model, out = (
        config or TrainingConfig(),
        grid_model or GridModel.bundled(),
        Path(out),
    )
    # What can be wrong with files of weights shows before anything is read or written.
    keras.utils.set_random_seed(config.seed)
    model = build_network(config, grid_model)
    if start is not None:
        load_weights(model.get_layer("localiser"), start)
    source = read_sources(folders, config, weights, progress_bar, unmirrored)
    measured = read_sources(validation, config, None, progress_bar) if validation else None
    for skipped in skipped_faces(source) + (skipped_faces(measured) if measured else []):
        report(f"left out {skipped}")
    steps = int(epoch_batches(source, config, 0).cardinality())
    inputs = {"train": describe_sources(folders, source)}
    inputs |= {"validation": describe_sources(validation, measured)}
    begin_run(out, config, inputs | describe_model(grid_model, start))
    trainer = build_trainer(model, config, steps * config.epochs)
    progress = restore_checkpoint(out, trainer)
    if progress.epoch or progress.step:
        report(f"goes on after epoch {progress.epoch}, step {progress.step} of {steps}")
        write_log(out, progress.history)
    measure = _measurement(model, config, measured)
    with named_damage(source.sources + (measured.sources if measured else ())):
        results = RunResults(out, model, grid_model, config, measured or source)
        _train_on(trainer, source, config, steps, progress, results, measure, report)
    return progress.history


def _train_on(
    trainer, source: Mixture, config, steps, progress: Progress, results, measure, report
):
    """Trains epoch after epoch, and leaves results and a checkpoint after each."""
    folder = results.folder
    for epoch in range(progress.epoch, config.epochs):
        began = time.perf_counter()
        batches = epoch_batches(source, config, epoch).skip(progress.step)
        callback = EpochCallback(progress, steps, config, partial(save_checkpoint, folder, trainer))
        trainer.fit(
            batches,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,  # the pipeline shuffles
            callbacks=[callback],
            verbose=0,
        )
        row = callback.means()
        faces = (steps - callback.first_step) * config.batch_size
        with averaged_weights(trainer, callback):
            row |= measure()
            results.write(epoch + 1, row)
        row["seconds"] = round(time.perf_counter() - began, 2)
        progress.epoch, progress.step, progress.partial = epoch + 1, 0, {}
        progress.history.append(row)
        save_checkpoint(folder, trainer, progress)
        write_log(folder, progress.history)
        report(_line(epoch + 1, config.epochs, row, faces / row["seconds"]))


def _measurement(model, config, measured):
    """Returns a function that measures the network on the validation faces, if there are any."""
    if measured is None:
        return dict
    evaluator, batches = build_measure(model, config), evaluation_batches(measured, config)

    def measure():
        values = evaluator.evaluate(batches, return_dict=True, verbose=0)
        return {f"val_{name}": float(value) for name, value in values.items()}

    return measure


def _line(epoch, epochs, row, rate):
    """Says in one line what an epoch gave."""
    values = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "seconds")
    return f"epoch {epoch}/{epochs}  {values}  {rate:.0f} photographs/s"
