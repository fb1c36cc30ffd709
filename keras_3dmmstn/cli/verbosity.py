"""How much commands print: `-v`, `-vv` and `-q`, before or after a command's name."""

import functools
import inspect
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.native_output import NativeOutput, is_asked_for
from keras_3dmmstn.cli.tensorflow_room import room_for_tensorflow

# Where the options before a command's name are kept for the command.
_BEFORE = "keras_3dmmstn.verbosity"
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)

logger = logging.getLogger(__name__)

Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        metavar="",
        help="Also show the log; -vv: show more of it, and the messages of TensorFlow and other "
        "libraries.",
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Show only errors and tables that were asked for."),
]


class LogLines(logging.Handler):
    """Prints log records as lines on stderr, apart from a command's results."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a record."""
        terminal.note(self.format(record))


def keep_for_command(context: typer.Context, verbose: int, quiet: bool) -> None:
    """Stores the options before a command's name for the command."""
    context.meta[_BEFORE] = verbose, quiet


def with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """Returns a command with the options `-v` and `-q`."""

    @functools.wraps(command)
    def run(context: typer.Context, verbose: int, quiet: bool, **values: Any) -> None:
        before_verbose, before_quiet = context.meta.get(_BEFORE, (0, False))
        verbose, quiet = verbose + before_verbose, quiet or before_quiet
        if verbose and quiet:
            raise typer.BadParameter("-q and -v do not go together.")
        if isinstance(context.obj, NativeOutput) and not is_asked_for(verbose > 1):
            context.obj.hide(keep_log=verbose > 0)
        with (
            _printing(verbose, quiet),
            _timed(context.command_path),
            room_for_tensorflow(_name_of(context)),
        ):
            command(**values)

    options = {"verbose": (Verbose, 0), "quiet": (Quiet, False), "context": (typer.Context, None)}
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in options.items()
    ]
    signature = inspect.signature(command)
    parameters = [*signature.parameters.values(), *added]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {
        **command.__annotations__,
        **{name: kind for name, (kind, _) in options.items()},
    }
    return run


def _name_of(context):
    """Returns the name of a command with its group, without the program's name."""
    words = []
    while context.parent is not None:
        words.append(context.info_name)
        context = context.parent
    return " ".join(reversed(words))


def verbosity_options() -> list[str]:
    """Returns the options that make a program print as much as the running command."""
    level = logging.getLogger("keras_3dmmstn").level
    verbose = ["-v"] * _LEVELS.index(level) if level in _LEVELS else []
    return ["-q"] if terminal.is_quiet else verbose


@contextmanager
def _printing(verbose: int, quiet: bool) -> Iterator[None]:
    """Applies the verbosity to the log and to what commands print, inside the context."""
    package, lines = logging.getLogger("keras_3dmmstn"), LogLines()
    level, terminal.is_quiet = package.level, quiet
    if verbose:
        package.setLevel(_LEVELS[min(verbose, 2)])
        package.addHandler(lines)
        package.propagate = False  # TensorFlow's handlers would print it again
    try:
        yield
    finally:
        package.removeHandler(lines)
        package.propagate = True
        package.setLevel(level)
        terminal.is_quiet = False


@contextmanager
def _timed(name: str) -> Iterator[None]:
    """Logs how long a command took, even if it failed."""
    began = time.monotonic()
    try:
        yield
    finally:
        logger.info("%s took %.1f s", name, time.monotonic() - began)
