"""`keras-3dmmstn train`: a run of training."""

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import FaceModel, load_face_model
from keras_3dmmstn.cli.training_progress import training_progress

# The paper's recipe is the default of `TrainingConfig`. The command's is the one that anybody can
# run: the paper's needs the VGG-Face weights, and a GPU to end within a lifetime.
_DEFAULT_RECIPE = "compact"

Folders = Annotated[
    list[Path],
    typer.Argument(
        help="Data sets: 300-W, AFLW, a folder with landmarks.csv, or shards of `data convert`."
    ),
]
Out = Annotated[Path, typer.Option(help="Folder of the run; a run that was stopped goes on.")]
Validation = Annotated[
    list[Path] | None, typer.Option(help="Data set to measure on; repeat it for several.")
]
Weight = Annotated[
    list[float] | None,
    typer.Option(help="How often a data set is drawn from; one for each, in their order."),
]
Unmirrored = Annotated[
    list[Path] | None,
    typer.Option(
        help="A data set whose faces are not mirrored, such as one that a detector labelled; "
        "repeat it for several."
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(help=f"paper, or compact (that of the bundled weights). [{_DEFAULT_RECIPE}]"),
]
Config = Annotated[
    Path | None, typer.Option(help="TOML file of settings, such as a run's config.toml.")
]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", help="name=value: a setting other than in recipe or file; repeat."),
]
Start = Annotated[Path | None, typer.Option(help="localiser.keras to begin with.")]
Epochs = Annotated[int | None, typer.Option(help="Passes over the photographs.")]
BatchSize = Annotated[int | None, typer.Option(help="Photographs in a step.")]
LearningRate = Annotated[float | None, typer.Option(help="The highest one.")]
Seed = Annotated[int | None, typer.Option(help="Of weights, order, augmentation.")]


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

    The run's folder has everything: the result for `--weights`, its settings, versions and log,
    numbers and pictures for TensorBoard, and the checkpoint that a stopped run goes on from when
    the command is given again.
    """
    from keras_3dmmstn.training.train import train as run

    flags = dict(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed)
    with _ending_a_run(), training_progress() as progress:
        name, settings = _settings(recipe, config, setting or [], flags)
        terminal.say(f"recipe: {name}")
        run(
            folders,
            out,
            validation or (),
            load_face_model(face_model),
            settings,
            start,
            weights=weight,
            unmirrored=unmirrored or (),
            report=terminal.say,
            progress_bar=progress.reading,
            step_progress=progress.step if terminal.errors.is_terminal else None,
        )


@contextmanager
def _ending_a_run():
    """Says what ended a run without a traceback."""
    try:
        with terminal.failing_on(ArithmeticError, MemoryError, OSError, TypeError, ValueError):
            yield
    except KeyboardInterrupt:
        terminal.note(
            "Stopped. The same command goes on after the last checkpoint, if there is one."
        )
        raise typer.Exit(130) from None


def _settings(recipe_name, config_file, texts, flags):
    """Returns what the settings are called and the settings: recipe or file, then the flags."""
    from keras_3dmmstn.training.config import with_settings
    from keras_3dmmstn.training.config_file import load_config, parse_setting
    from keras_3dmmstn.training.recipes import recipe

    if recipe_name and config_file:
        raise ValueError(
            "Expected --recipe or --config, received both; a file may say recipe = "
            f'"{recipe_name}" itself.'
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
