"""Files and folders that are there whole or not at all: written aside, then moved into place."""

import contextlib
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A longer name is not repeated in that of its temporary file: file systems allow 255 bytes.
_LONGEST_NAME = 200


def write_atomically(path: str | Path, content: bytes) -> None:
    """Writes a file, so that whoever looks at `path` sees the old content or all of the new.

    Raises:
        OSError: if it cannot be written; its `filename` is `path`, and what was there stays.
    """
    with atomic_destination(path) as aside:
        aside.write_bytes(content)


@contextmanager
def atomic_destination(
    path: str | Path, *, replace: bool = True, keep_suffix: bool = False
) -> Iterator[Path]:
    """Gives a place to write a file or folder, which becomes `path` if nothing goes wrong.

    The place is beside `path`, so that the move at the end is one step; whoever looks at `path`
    sees nothing of the new or all of it. After an exception, also Ctrl-C, nothing of it is left.
    A process that is killed leaves the hidden file, which the next one that writes the same target
    on this machine removes; see also `remove_leftovers`.

    Args:
        path: where the result belongs. The folders above it are made.
        replace: whether a file that is at `path` may be replaced; a folder with anything in it
            never is.
        keep_suffix: whether the place has the suffix of `path`, for writers that look at it.

    Yields:
        The path to write to. It does not exist yet; what it holds at the end is moved.

    Raises:
        FileExistsError: if there is something at `path` before or after the writing, and `replace`
            is false.
        OSError: if it cannot be written, or nothing was written. Its `filename` is `path`.
    """
    path = Path(path)
    aside = path.with_name(_temporary_name(path.name) + (path.suffix if keep_suffix else ""))
    if not replace:
        _refuse_existing(path)
    new_folders = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(aside)
        _remove_what_the_dead_left(path)
        yield aside
        if not replace:
            _refuse_existing(path)
        aside.replace(path)
    except BaseException as error:
        _remove(aside)
        for folder in new_folders:  # the innermost first
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError):
            _name_target(error, aside, path)
        raise


def remove_leftovers(folder: str | Path) -> None:
    """Removes what processes that were killed left in a folder.

    Only for a folder that no other process writes to: its unfinished files would go, too.
    """
    for pattern in (".*.tmp", ".*.tmp.*"):
        for path in Path(folder).glob(pattern):
            _remove(path)


def _temporary_name(name):
    """Returns a short hidden name, another one for each target and process."""
    return f".{_short(name)}.{os.getpid()}.tmp"


def _short(name):
    """Returns a name, or its checksum if it is long."""
    return name if len(os.fsencode(name)) <= _LONGEST_NAME else f"{zlib.crc32(os.fsencode(name))}"


def _remove_what_the_dead_left(path):
    """Removes the temporary files for a target whose processes have ended."""
    start = f".{_short(path.name)}."
    for other in path.parent.glob(".*.tmp*"):
        process, _, rest = other.name.removeprefix(start).partition(".")
        is_ours = other.name.startswith(start) and process.isdigit() and rest.startswith("tmp")
        if is_ours and not _is_alive(int(process)):
            _remove(other)


def _is_alive(process):
    """Says whether a process of this machine is running; where that is not known it is."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _name_target(error, aside, path):
    """Makes an error on the temporary file, or on a full disk, one on the target."""
    if error.errno is None:
        return
    named = error.filename if error.filename is not None else aside
    if isinstance(named, (str, Path)) and Path(named).is_relative_to(aside):
        error.filename = str(path)
        del error.filename2  # that of a move


def _refuse_existing(path):
    if path.exists() or path.is_symlink():
        raise FileExistsError(
            f"Expected a path at which there is nothing, but {path} exists; move it away or choose "
            "another."
        )


def _remove(path):
    """Removes a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
