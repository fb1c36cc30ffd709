"""`keras-3dmmstn` itself: the options before a command."""

from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.verbosity import Quiet, Verbose, keep_for_command
from keras_3dmmstn.version import __version__


def _print_version(asked: bool) -> None:
    """Prints the version and ends the program, if asked to."""
    if asked:
        terminal.say(f"keras-3dmmstn {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
    ),
]


def program(
    context: typer.Context, version: Version = False, verbose: Verbose = 0, quiet: Quiet = False
) -> None:
    """Pose-normalised textures and fitted 3D faces from photographs."""
    keep_for_command(context, verbose, quiet)
