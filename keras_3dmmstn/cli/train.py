"""`keras-3dmmstn train`: a training run."""

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import FaceModel, load_face_model
from keras_3dmmstn.cli.stopping import end_stopped, raise_if_stopped
from keras_3dmmstn.cli.training_progress import training_progress

# The paper's recipe is the default of `TrainingConfig`. The command's default is one that anybody
# can run: the paper's needs the VGG-Face weights, and a GPU to finish in reasonable time.
_DEFAULT_RECIPE = "compact"

Folders = Annotated[
    list[Path],
    typer.Argument(
        help="Data sets: 300-W, AFLW, CFP, a folder with landmarks.csv, or shards from "
        "`data convert`."
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        help="Folder for the run. If it contains a run that was stopped, that run continues."
    ),
]
Validation = Annotated[
    list[Path] | None,
    typer.Option(help="Data set to measure the error on after each epoch. Can be repeated."),
]
Weight = Annotated[
    list[float] | None,
    typer.Option(
        help="How often faces are drawn from a data set. Give one for each data set, in the same "
        "order."
    ),
]
Unmirrored = Annotated[
    list[Path] | None,
    typer.Option(
        help="Data set whose faces are not mirrored, for example because a detector labelled it. "
        "Can be repeated."
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(help="paper, compact (the default) or base."),
]
Config = Annotated[
    Path | None, typer.Option(help="TOML file of settings, such as a run's config.toml.")
]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", help="name=value: change one setting. Can be repeated."),
]
Start = Annotated[
    Path | None,
    typer.Option(
        help="localiser.keras to start from, or its folder; base can also start from one of "
        "compact."
    ),
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the photographs.")]
BatchSize = Annotated[int | None, typer.Option(help="Photographs per step.")]
LearningRate = Annotated[float | None, typer.Option(help="Highest learning rate of the schedule.")]
Seed = Annotated[int | None, typer.Option(help="Seed for weights, order and augmentation.")]


def train(
    folders: Folders,
    out: Out,
    validation: Validation = None,
    weight: Weight = None,
    unmirrored: Unmirrored = None,
    recipe: Recipe = None,
    config: Config = None,
    setting: Setting = None,
    face_model: FaceModel = None,
    start: Start = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    seed: Seed = None,
) -> None:
    """Train a localiser on labelled photographs.

    The run's folder contains everything: the result for `--weights`, the settings, versions and
    log, numbers and pictures for TensorBoard, and the checkpoint. To continue a run that was
    stopped, repeat the command. With TF_CONFIG in the environment, several workers train together.
    """
    from keras_3dmmstn.training.cluster_place import place_in_cluster
    from keras_3dmmstn.training.train import train as run

    def step(done):
        raise_if_stopped()
        if terminal.errors.is_terminal and place.is_chief:
            progress.step(done)

    flags = dict(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed)
    with _ending_a_run(), training_progress() as progress:
        place = place_in_cluster()
        name, settings = _settings(recipe, config, setting or [], flags)
        terminal.tell(f"recipe: {name}")
        run(
            folders,
            out,
            validation or (),
            load_face_model(face_model),
            settings,
            start,
            weights=weight,
            unmirrored=unmirrored or (),
            report=terminal.tell,
            progress_bar=progress.reading,
            step_progress=step,
        )


@contextmanager
def _ending_a_run():
    """Reports what ended a run, without a traceback."""
    try:
        with terminal.failing_on(ArithmeticError, MemoryError, OSError, TypeError, ValueError):
            yield
    except KeyboardInterrupt:
        end_stopped("Stopped. Repeat the command to continue after the last checkpoint.")


def _settings(recipe_name, config_file, texts, flags):
    """Returns a name for the settings, and the settings: recipe or file, then the flags."""
    from keras_3dmmstn.training.config import with_settings
    from keras_3dmmstn.training.config_file import load_config, parse_setting
    from keras_3dmmstn.training.recipes import recipe

    if recipe_name and config_file:
        raise ValueError(
            "Use --recipe or --config, not both. The file may contain the line recipe = "
            f'"{recipe_name}".'
        )
    if config_file:
        name, settings = str(config_file), load_config(config_file)
    else:
        name = recipe_name or _DEFAULT_RECIPE
        settings = recipe(name)
    changes = dict(parse_setting(text) for text in texts)
    changes |= {flag: value for flag, value in flags.items() if value is not None}
    if changes:
        name += " with " + ", ".join(f"{setting}={value}" for setting, value in changes.items())
    return name, with_settings(settings, changes)
