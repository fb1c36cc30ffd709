"""The command line for training: `keras-3dmmstn train`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

_output, _errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

# The paper's recipe is the default of `TrainingConfig`. The command's is the one that anybody can
# run: the paper's needs the VGG-Face weights, and a GPU to end within a lifetime.
_DEFAULT_RECIPE = "compact"


def train(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="Data sets: 300-W, AFLW, a folder with landmarks.csv, or shards of `data convert`."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; a run that was stopped goes on.")],
    validation: Annotated[
        list[Path] | None, typer.Option(help="Data set to measure on; repeat it for several.")
    ] = None,
    weight: Annotated[
        list[float] | None,
        typer.Option(help="How often a data set is drawn from; one for each, in their order."),
    ] = None,
    unmirrored: Annotated[
        list[Path] | None,
        typer.Option(
            help="A data set whose faces are not mirrored, such as one that a detector labelled; "
            "repeat it for several."
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help=f"paper, or compact (that of the bundled weights). [{_DEFAULT_RECIPE}]"),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file of settings, such as a run's config.toml.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="name=value: a setting other than in recipe or file; repeat."),
    ] = None,
    face_model: Annotated[
        Path | None, typer.Option(help="Grid model (.npz); the bundled face if absent.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="localiser.keras to begin with.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the photographs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Photographs in a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The highest one.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order, augmentation.")] = None,
) -> None:
    """Train a localiser on labelled photographs.

    The run's folder has everything: the result for `--weights`, its settings, versions and log,
    numbers and pictures for TensorBoard, and the checkpoint that a stopped run goes on from when
    the command is given again.
    """
    from rich.progress import track

    from keras_3dmmstn.mesh import GridModel
    from keras_3dmmstn.training.train import train as run

    flags = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
    }
    try:
        name, settings = _settings(recipe, config, setting or [], flags)
        _say(f"recipe: {name}")
        grid_model = GridModel.load(face_model) if face_model else GridModel.bundled()
        run(
            folders,
            out,
            validation or (),
            grid_model,
            settings,
            start,
            weights=weight,
            unmirrored=unmirrored or (),
            report=_say,
            progress_bar=lambda faces: track(
                faces, "Reading photographs", console=_errors, transient=True
            ),
        )
    except KeyboardInterrupt:
        _errors.print(
            "Stopped. The same command goes on after the last checkpoint, if there is one."
        )
        raise typer.Exit(130) from None
    except (ArithmeticError, MemoryError, OSError, TypeError, ValueError) as error:
        _errors.print(str(error), markup=False, highlight=False)
        raise typer.Exit(1) from None


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


def _say(line):
    """Prints a line as it is."""
    _output.print(line, markup=False, highlight=False)
