"""`keras-3dmmstn train-stages`: several training stages in order."""

import shlex
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.stopping import end_stopped

Out = Annotated[
    Path, typer.Option(help="Folder for the stages' results. Stages already done there are kept.")
]
File = Annotated[
    Path | None,
    typer.Argument(help="TOML file of stages. Default: training/bundled_weights.toml."),
]
Paths = Annotated[
    list[str] | None,
    typer.Option("--path", help="NAME=PATH: what {NAME} in the file stands for. Can be repeated."),
]
Only = Annotated[str | None, typer.Option(help="Name of the one stage to run.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the commands without running them.")]


def train_stages(
    out: Out,
    file: File = None,
    path: Paths = None,
    only: Only = None,
    dry_run: DryRun = False,
) -> None:
    """Run a training of several stages, by default the one that made the bundled weights.

    To continue a run that was stopped, repeat the command.
    """
    from keras_3dmmstn.cli.verbosity import verbosity_options
    from keras_3dmmstn.training.cluster_place import refuse_workers
    from keras_3dmmstn.training.stages import BUNDLED_WEIGHTS, check_stage, read_stages, run_stages

    with terminal.failing_on(OSError, ValueError):
        refuse_workers("train-stages")
        stages = read_stages(file or BUNDLED_WEIGHTS, {"out": out, **_named(path or ())})
        check_stage(stages, only)
        if dry_run:
            for stage in (stage for stage in stages if only in (None, stage.name)):
                terminal.say(f"# {stage.name}, {stage.minutes:g} minutes")
                terminal.say(shlex.join(stage.arguments()))
            return
        try:
            run_stages(stages, out, only, terminal.tell, verbosity_options())
        except subprocess.CalledProcessError as error:
            terminal.note(f"A stage failed: {shlex.join(error.cmd)}")
            raise typer.Exit(error.returncode if error.returncode > 0 else 1) from None
        except KeyboardInterrupt:
            end_stopped("Stopped. Repeat the command to go on.")


def _named(texts):
    """Returns the paths of `NAME=PATH` by name."""
    paths = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ValueError(f"Expected a path as NAME=PATH, received {text!r}.")
        paths[name] = value
    return paths
