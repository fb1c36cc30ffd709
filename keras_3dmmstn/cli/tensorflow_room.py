"""Whether TensorFlow has enough memory: if the address space is too small, it dies silently.

Its threads abort the program, or wait for ever, when they get no memory.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

# The lowest limits of address space with which commands succeed, in KiB as `ulimit -v` counts,
# measured with TensorFlow 2.21 on two processors; more processors take more. A group's limit is
# that of its commands; the first, which the import alone takes, is that of all other commands.
_LEAST = {
    "": 2_100_000,
    "data": 2_200_000,
    "data inspect": 2_600_000,
    "evaluate": 2_400_000,
    "normalise": 3_000_000,
    "video": 3_000_000,
    "fuse": 3_000_000,
    "figure": 3_000_000,
    "web": 3_150_000,
    "export": 3_600_000,
    "train": 3_800_000,
}
_KIB = 1024


@contextmanager
def room_for_tensorflow(command: str) -> Iterator[None]:
    """Lets TensorFlow be imported only if the address space is large enough for a command.

    Code that does not need TensorFlow is not affected.

    Args:
        command: its name, such as `data inspect`.

    Raises:
        MemoryError: on the import of TensorFlow, if the limit of the process is lower than what
            the command takes.
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
    """Returns the least address space, KiB, of a command that needs TensorFlow."""
    group = command.split(" ")[0]
    return _LEAST.get(command, _LEAST.get(group, _LEAST[""]))


class _Finder(MetaPathFinder):
    """Finds no module, but raises a MemoryError if TensorFlow is imported without enough memory."""

    def __init__(self, command, limit):
        self._command, self._limit = command, limit

    def find_spec(self, name, path=None, target=None):
        least = least_room(self._command)
        if name == "tensorflow" and self._limit < least:
            raise MemoryError(
                f"{self._command} needs TensorFlow, and {least:,} KiB of address space or more; "
                f"the limit (ulimit -v) is {self._limit:,} KiB"
            )
        return None


def _limit():
    """Returns the address space that this process may use, KiB; None if there is no limit."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit
    except ImportError:  # not a Unix
        return None
    try:
        limit, _ = getrlimit(RLIMIT_AS)
    except (OSError, ValueError):
        return None
    return None if limit == RLIM_INFINITY else limit // _KIB
