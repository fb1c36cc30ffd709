"""Files and folders that are there whole or not at all: written aside, then moved into place."""

import contextlib
import itertools
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# A longer name is not repeated in that of its temporary file: file systems allow 255 bytes.
_LONGEST_NAME = 200
_TEMPORARY = re.compile(r"\.(?P<target>.+?)\.(?P<process>\d+)(-\d+)?\.tmp(\.[^.]*)?", re.DOTALL)
# What threads of this process write at once has names of its own.
_writers = itertools.count()


def write_atomically(path: str | Path, content: bytes) -> None:
    """Writes a file, so that whoever looks at `path` sees the old content or all of the new.

    Raises:
        OSError: if it cannot be written; its `filename` is `path`, and what was there stays.
    """
    with atomic_destination(path) as aside:
        aside.write_bytes(content)


@contextmanager
def atomic_destination(
    path: str | Path, *, replace: bool = True, keep_suffix: bool = False, sweep: bool = True
) -> Iterator[Path]:
    """Gives a place to write a file or folder, which becomes `path` if nothing goes wrong.

    The place is beside `path`, so that the move at the end is one step; whoever looks at `path`
    sees nothing of the new or all of it. After an exception, also Ctrl-C, nothing of it is left.
    A process that is killed leaves the hidden file, which the next one that writes the same target
    on this machine removes; see also `remove_leftovers` and `remove_leftovers_of_the_dead`.

    Args:
        path: where the result belongs. The folders above it are made.
        replace: whether a file that is at `path` may be replaced; a folder with anything in it
            never is.
        keep_suffix: whether the place has the suffix of `path`, for writers that look at it.
        sweep: whether what the dead left of this target is looked for, which reads the whole
            folder. Who writes thousands of files there removes it for all of them at once.

    Yields:
        The path to write to. It does not exist yet; what it holds at the end is moved.

    Raises:
        FileExistsError: if there is something at `path` before or after the writing, and `replace`
            is false. Of several processes or threads that write it at once, only one does not get
            it.
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
        if sweep:
            start = _short(path.name)
            remove_leftovers_of_the_dead(path.parent, lambda name: name == start)
        yield aside
        if replace:
            aside.replace(path)
        else:
            _move_to_nothing(aside, path)
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


def remove_leftovers_of_the_dead(folder: str | Path, is_target: Callable[[str], bool]) -> None:
    """Removes what was being written in a folder by processes of this machine that have ended.

    Args:
        folder: where to look; others may write to it.
        is_target: says whether a file or folder of this name may have been the target. Of a long
            name, its checksum is asked for.
    """
    for path in Path(folder).glob(".*.tmp*"):
        match = _TEMPORARY.fullmatch(path.name)
        if match and is_target(match["target"]) and not _is_alive(int(match["process"])):
            _remove(path)


def _temporary_name(name):
    """Returns a short hidden name, another one at each call, in each process."""
    return f".{_short(name)}.{os.getpid()}-{next(_writers)}.tmp"


def _short(name):
    """Returns a name, or its checksum if it is long."""
    return name if len(os.fsencode(name)) <= _LONGEST_NAME else f"{zlib.crc32(os.fsencode(name))}"


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


def _move_to_nothing(aside, path):
    """Moves a file or folder to where there is nothing, or raises a FileExistsError."""
    if not aside.is_dir():
        try:
            os.link(aside, path)  # unlike a move, it fails where another process was faster
        except FileExistsError:
            pass
        except OSError:
            _refuse_existing(path)  # a file system without links
            aside.replace(path)
            return
        else:
            aside.unlink()
            return
    try:
        _refuse_existing(path)
        aside.replace(path)
    except OSError:
        _refuse_existing(path)  # another writer was faster by a hair
        raise


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
