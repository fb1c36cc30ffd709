"""`keras-3dmmstn` itself: the options before a command."""

from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.native_output import NativeOutput, is_asked_for
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
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Also show the messages of TensorFlow and other libraries."
    ),
]


def program(context: typer.Context, version: Version = False, verbose: Verbose = False) -> None:
    """Pose-normalised textures and fitted 3D faces from photographs."""
    if isinstance(context.obj, NativeOutput) and not is_asked_for(verbose):
        context.obj.hide()
