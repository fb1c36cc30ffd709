"""Cleans up after exports that were killed while their files were moved into place."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from keras_3dmmstn.atomic_files import write_atomically

#: The hidden file that lists what is being moved into a folder.
JOURNAL = ".moving.json"


@contextmanager
def moving_all_or_none(folder: Path, moves: Sequence[tuple[Path, Path]]) -> Iterator[None]:
    """Lets `recover` undo the moves in this context if the process is killed before all are done.

    Args:
        folder: the folder of the export.
        moves: pairs of source and target; sources exist, and existing targets are replaced.
    """
    entries = [[str(target), _identity(aside)] for aside, target in moves]
    write_atomically(folder / JOURNAL, json.dumps(entries).encode())
    try:
        yield
    finally:
        (folder / JOURNAL).unlink(missing_ok=True)


def recover(folder: Path) -> None:
    """Removes the part of an export that was moved before its process was killed.

    Only what that process wrote is removed: a file or folder at one of its targets must be the
    one that it moved.
    """
    journal = folder / JOURNAL
    if not journal.is_file():
        return
    for target, identity in _entries(journal):
        path = Path(target)
        within = path.absolute().is_relative_to(folder.absolute())
        if within and path.exists() and _identity(path) == identity:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
    journal.unlink()


def _identity(path):
    """Returns what stays the same when a file or folder is moved within a file system."""
    status = path.stat()
    return [status.st_ino, status.st_mtime_ns]


def _entries(journal):
    """Returns targets and identities; none if the journal is incomplete."""
    try:
        entries = json.loads(journal.read_text("utf-8"))
        return [(str(target), list(identity)) for target, identity in entries]
    except (ValueError, TypeError, RecursionError):
        return []
