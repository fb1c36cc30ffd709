"""What the commands use for printing: consoles, paths, failures, skipped items."""

import errno
import json
import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.file_proxy import FileProxy

from keras_3dmmstn.cli.memory_problem import memory_problem
from keras_3dmmstn.cli.opencv_problem import opencv_problem

# Columns of tables that go to a file or another program; a terminal has its own width.
_FILE_WIDTH = 120

_has_terminal = sys.stdout is not None and sys.stdout.isatty()
output = Console(soft_wrap=True, width=None if _has_terminal else _FILE_WIDTH)
errors = Console(stderr=True, soft_wrap=True)

#: Whether the running command prints only errors and results that were asked for.
is_quiet = False

# Reasons why a file that receives the output takes no more.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

# How many skipped items are named; the rest are counted.
_NAMED = 20

# Kinds of characters that a terminal does not print: control characters, surrogates (bytes of a
# name that are not text), and ends of lines and paragraphs.
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")


def say(text: object) -> None:
    """Prints a line of a result that was asked for, as it is.

    Characters that a terminal cannot print, or would act upon, are escaped.
    """
    _print(output, text)


def tell(text: object) -> None:
    """Prints a line on what was done, such as the path of a written file; not if quiet."""
    if not is_quiet:
        say(text)


def tell_if_possible(text: object) -> None:
    """Does what `tell` does; if that fails, as on a full disk, notes it and carries on.

    A closed pipe ends the program as always.
    """
    if is_quiet:
        return
    with _giving_up(sys.stdout) as failures:
        say(text)
    for error in failures:
        note(f"Results are no longer named: {getattr(error, 'strerror', None) or error}.")


def note(text: object) -> None:
    """Prints a line to stderr, escaped as by `say`, if that is possible."""
    with _giving_up(sys.stderr):
        _print(errors, text)


def remark(text: object) -> None:
    """Notes something that is not an error; not if quiet."""
    if not is_quiet:
        note(text)


def printable(text: object, keep: str = "") -> str:
    """Returns a text with escapes for its control characters and for bytes that are not text.

    Args:
        text: for example a path.
        keep: control characters that are not escaped.
    """
    return "".join(
        character
        if character in keep or unicodedata.category(character) not in _UNPRINTABLE
        else character.encode("unicode_escape").decode()
        for character in str(text)
    )


def _print(console, text):
    """Prints a line as it is, as far as the console's encoding allows."""
    line = printable(text, keep="" if isinstance(text, Path) else "\n\t")
    encoding = getattr(console.file, "encoding", None) or "utf-8"
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    if console is output and isinstance(sys.stdout, FileProxy):
        print(line)  # above a progress bar; the console would write behind it
    else:
        console.print(line, markup=False, highlight=False, emoji=False)


@contextmanager
def _giving_up(stream):
    """Yields a list that receives the error after which nothing more is printed to a stream."""
    failures: list[Exception] = []
    try:
        yield failures
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        failures.append(error)
        # What is still in the buffer would fail again, at the latest when the program ends.
        with suppress(AttributeError, OSError, ValueError), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def fail(message: object) -> NoReturn:
    """Ends the program with a message and exit status 1."""
    note(message)
    raise typer.Exit(1)


@contextmanager
def failing_on(*kinds: type[Exception], about: object = "") -> Iterator[None]:
    """Ends the program with the message of an exception if one of these kinds is raised.

    Args:
        kinds: the exceptions that the user's input can cause.
        about: what was being worked on; it precedes a message that does not name it.
    """
    try:
        yield
    except kinds as error:
        fail(message_of(error, about))


@contextmanager
def naming_opencv_problems() -> Iterator[None]:
    """Ends the program with what to install if OpenCV is missing or does not load."""
    try:
        yield
    except (ImportError, AttributeError) as error:
        problem = opencv_problem(error)
        if problem is None:
            raise
        note(problem)
        sys.exit(1)


@contextmanager
def naming_missing_memory() -> Iterator[None]:
    """Ends the program with a sentence if memory runs out."""
    try:
        yield
    except Exception as error:
        problem = memory_problem(error)
        if problem is None:
            raise
        # This frees what the frames hold, so that there is memory for the sentence.
        error.__traceback__ = error.__context__ = error.__cause__ = None
    else:
        return
    note(problem)
    sys.exit(1)


@contextmanager
def naming_full_outputs() -> Iterator[None]:
    """Ends the program with a sentence if the results can no longer be printed."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        with _giving_up(sys.stdout):  # what is still in its buffer would fail again
            raise
        note(f"The results cannot be printed: {error.strerror}.")
        sys.exit(1)


def message_of(error: Exception, about: object = "") -> str:
    """Returns what to tell the user about an exception: for an OSError, its file and reason."""
    problem = opencv_problem(error)
    if problem is not None:
        return problem
    message = memory_problem(error) or str(error)
    file = _file_for_a_folder(error)
    if file:
        message = f"{file}: expected a folder, but a file is there."
    elif isinstance(error, OSError) and error.filename:
        message = f"{error.filename}: {error.strerror}."
    elif isinstance(error, FileNotFoundError) and isinstance(error.args[0], Path):
        message = f"{message}: no such file or folder."
    if str(about) not in message:
        message = f"{about}: {message}"
    return message.replace(str(about), printable(about)) if str(about) else message


def _file_for_a_folder(error):
    """Returns the file that an OSError found in place of a folder, or None."""
    if not (isinstance(error, (FileExistsError, NotADirectoryError)) and error.filename):
        return None
    path = Path(error.filename)
    return next((place for place in (path, *path.parents) if place.is_file()), None)


def report_skipped(
    skipped: Sequence[object], rest: str = "and {} more.", is_error: bool = False
) -> None:
    """Names the first skipped items and says with `rest` how many more there are."""
    line = note if is_error else remark
    for item in skipped[:_NAMED]:
        line(f"skipped: {item}")
    if len(skipped) > _NAMED:
        line(rest.format(len(skipped) - _NAMED))


def fail_on_faults(about: object, faults: Sequence[object]) -> None:
    """Prints the first faults and ends the program with exit status 1, if there are any."""
    for fault in faults[:_NAMED]:
        note(fault)
    if len(faults) > 1:
        which = f", of which the first {_NAMED} are named" if len(faults) > _NAMED else ""
        note(f"{about}: {len(faults):,} faults{which}.")
    if faults:
        raise typer.Exit(1)


def write_file(path: Path, content: bytes) -> None:
    """Writes a file and prints its path, or ends the program with a message."""
    from keras_3dmmstn.atomic_files import write_atomically

    with failing_on(OSError):
        write_atomically(path, content)
    tell(path)


def write_json(path: Path, content: object) -> None:
    """Writes a JSON file and prints its path, or ends the program with a message."""
    write_file(path, (json.dumps(content, indent=1) + "\n").encode())
