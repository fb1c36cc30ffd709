"""Whether TensorFlow has room: where the address space is too small, it dies without a word.

Its threads abort the program, or wait for ever, when they get no memory.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

# GB of address space (ulimit -v) with which commands end well, measured on two processors with
# TensorFlow 2.21; more of them take more. The first is for all that is not named.
_LEAST = {
    "": 2.1,
    "data": 2.6,
}


@contextmanager
def room_for_tensorflow(command: str) -> Iterator[None]:
    """Lets TensorFlow be imported only if the address space suffices for a command.

    What needs no TensorFlow is not refused.

    Args:
        command: its name, such as `data inspect`.

    Raises:
        MemoryError: where TensorFlow would be imported, if the limit of the process is lower than
            what the command takes.
    """
    limit = _limit()
    if limit is None:
        yield
        return
    finder = _Finder(command, limit)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def least_room(command: str) -> int:
    """Returns how many bytes of address space a command takes at least."""
    group = command.split(" ")[0]
    return round(1e9 * _LEAST.get(command, _LEAST.get(group, _LEAST[""])))


class _Finder(MetaPathFinder):
    """Finds no module, but raises a MemoryError where TensorFlow is looked for without room."""

    def __init__(self, command, limit):
        self._command, self._limit = command, limit

    def find_spec(self, name, path=None, target=None):
        least = least_room(self._command)
        if name == "tensorflow" and self._limit < least:
            raise MemoryError(
                f"{self._command} needs TensorFlow, and {least / 1e9:.1f} GB of address space or "
                f"more; the limit (ulimit -v) is {self._limit / 1e9:.1f} GB"
            )
        return None


def _limit():
    """Returns the bytes of address space that this process may have; None if that is not known."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit
    except ImportError:  # not a Unix
        return None
    try:
        limit, _ = getrlimit(RLIMIT_AS)
    except (OSError, ValueError):
        return None
    return None if limit == RLIM_INFINITY else limit
