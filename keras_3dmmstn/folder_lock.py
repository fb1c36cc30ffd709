"""A lock for a folder, so that only one process writes to it at a time."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

#: The hidden file that names the process that is writing to the folder.
LOCK_FILE = ".in_use.json"


class FolderInUseError(OSError):
    """Raised for a folder that another process is writing to."""


@contextmanager
def folder_in_use(folder: str | Path) -> Iterator[IO[str]]:
    """Locks a folder for this process: others that ask for it meanwhile are refused.

    The operating system holds the lock, and releases it when the process ends for any reason.
    Meanwhile, a hidden file names process and machine; that of a killed process has no effect, and
    the next process takes it over. File systems without locks, such as some network drives, lock
    nothing.

    Args:
        folder: created if missing, and removed again if nothing was written to it.

    Yields:
        The locked file. A process that is given it also keeps the lock.

    Raises:
        FolderInUseError: if another process, or another call in this one, has the lock.
        OSError: if the folder cannot be created or written to.
    """
    folder = Path(folder)
    new_folders = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_FILE
    file = _locked(path)
    try:
        _say_who(file, path)
        yield file
    finally:
        if os.name == "nt":
            file.close()  # Windows removes no file that is open
        with contextlib.suppress(OSError):
            path.unlink()
        with contextlib.suppress(OSError):
            file.close()  # on a full disk, it tries once more to write what it holds
        with contextlib.suppress(OSError):
            for one in new_folders:  # the innermost first; not if there is something in it
                one.rmdir()


def _say_who(file, path):
    """Writes which process has the folder; an OSError, as for a full disk, names the file."""
    try:
        file.truncate()
        file.write(json.dumps({"process": os.getpid(), "machine": socket.gethostname()}))
        file.flush()
    except OSError as error:
        error.filename = str(path)
        raise


def _locked(path):
    """Returns the lock file, open and locked, or raises a FolderInUseError."""
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            locked = _lock(file)
            if locked and _is_still_there(file, path):
                file.seek(0)
                return file
            if not locked:
                raise FolderInUseError(_message(file, path))
        except BaseException:
            file.close()
            raise
        file.close()  # its owner removed it between our two steps


def _lock(file: IO[str]) -> bool:
    """Locks a file; returns whether it was free."""
    try:
        import fcntl
    except ImportError:
        return _lock_on_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _lock_on_windows(file: Any) -> bool:
    """Does the same with a lock on a byte far behind the text, so that others can read it."""
    import msvcrt

    file.seek(1 << 20)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    except OSError:
        return False
    return True


def _is_still_there(file, path):
    """Returns whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _message(file, path):
    """Returns a message on which process has the folder."""
    try:
        file.seek(0)
        owner = json.loads(file.read())
        who = f"process {owner['process']} on {owner['machine']}"
    except (KeyError, TypeError, ValueError, RecursionError, OSError):
        who = "another process"
    return (
        f"{path.parent}: expected a folder that nobody else is writing to, but {who} is. Wait "
        "until it has ended, or stop it."
    )
