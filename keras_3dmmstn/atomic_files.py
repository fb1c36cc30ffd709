"""Files and folders written atomically: to a temporary place, then moved to the target."""

import contextlib
import itertools
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# A longer name is not repeated in the name of its temporary file: file systems allow 255 bytes.
_LONGEST_NAME = 200
_TEMPORARY = re.compile(r"\.(?P<target>.+?)\.(?P<process>\d+)(-\d+)?\.tmp(\.[^.]*)?", re.DOTALL)
# What threads of this process write at once has names of its own.
_writers = itertools.count()


def write_atomically(path: str | Path, content: bytes) -> None:
    """Writes a file so that a reader of `path` sees either the old content or all of the new.

    Raises:
        OSError: if it cannot be written; its `filename` is `path`, and the old file is kept.
    """
    with atomic_destination(path) as aside:
        aside.write_bytes(content)


@contextmanager
def atomic_destination(
    path: str | Path, *, replace: bool = True, keep_suffix: bool = False, sweep: bool = True
) -> Iterator[Path]:
    """Yields a place to write a file or folder, which is moved to `path` if nothing goes wrong.

    The place is beside `path`, so that the final move is one step; readers of `path` see nothing of
    the new content or all of it. After an exception, including Ctrl-C, nothing of it is left. A
    process that is killed leaves a hidden file, which the next process that writes the same target
    on this machine removes; see also `remove_leftovers` and `remove_leftovers_of_the_dead`.

    Args:
        path: where the result belongs. Missing parent folders are created.
        replace: whether an existing file at `path` may be replaced; a folder that is not empty
            never is.
        keep_suffix: whether the place has the suffix of `path`, for writers that depend on it.
        sweep: whether to remove what killed processes left of this target, which reads the whole
            folder. When writing thousands of files there, remove it once for all of them instead.

    Yields:
        The path to write to. It does not exist yet; its content at the end is moved.

    Raises:
        FileExistsError: if something is at `path` before or after the writing and `replace` is
            false. Of several processes or threads that write it at once, all but one get this.
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
    """Removes what killed processes left in a folder.

    Only for a folder that no other process writes to, as this also removes its unfinished files.
    """
    for pattern in (".*.tmp", ".*.tmp.*"):
        for path in Path(folder).glob(pattern):
            _remove(path)


def remove_leftovers_of_the_dead(folder: str | Path, is_target: Callable[[str], bool]) -> None:
    """Removes the unfinished files in a folder of processes of this machine that have ended.

    Args:
        folder: where to look; other processes may write to it.
        is_target: returns whether a file or folder of this name may have been the target. For a
            long name, it gets the checksum.
    """
    for path in Path(folder).glob(".*.tmp*"):
        match = _TEMPORARY.fullmatch(path.name)
        if match and is_target(match["target"]) and not _is_alive(int(match["process"])):
            _remove(path)


def _temporary_name(name):
    """Returns a short hidden name that differs between calls and processes."""
    return f".{_short(name)}.{os.getpid()}-{next(_writers)}.tmp"


def _short(name):
    """Returns a name, or its checksum if it is long."""
    return name if len(os.fsencode(name)) <= _LONGEST_NAME else f"{zlib.crc32(os.fsencode(name))}"


def _is_alive(process):
    """Returns whether a process of this machine is running; True if that is unknown."""
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
    """Makes an error about the temporary file, or a full disk, one about the target."""
    if error.errno is None:
        return
    named = error.filename if error.filename is not None else aside
    if isinstance(named, (str, Path)) and Path(named).is_relative_to(aside):
        error.filename = str(path)
        del error.filename2  # that of a move


def _move_to_nothing(aside, path):
    """Moves a file or folder to a path where nothing exists, or raises a FileExistsError."""
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
        _refuse_existing(path)  # another writer was slightly faster
        raise


def _refuse_existing(path):
    if path.exists() or path.is_symlink():
        raise FileExistsError(
            f"Expected a path at which there is nothing, but {path} exists; move it away or choose "
            "another."
        )


def _remove(path):
    """Removes a file or folder if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
