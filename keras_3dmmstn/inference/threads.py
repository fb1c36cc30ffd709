"""Work on several processors, its results in order."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")

# So many results a thread are begun before the first one is used.
_AHEAD = 2


def processors() -> int:
    """Returns how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(
    function: Callable[..., Result], arguments: Iterable[tuple[Any, ...]], workers: int
) -> Iterator[Result]:
    """Yields the results of a function for some arguments, in their order.

    Args:
        function: called in several threads at a time.
        arguments: of each call. They are taken in the thread that takes the results, and only few
            are held at a time.
        workers: how many threads.
    """
    arguments = iter(arguments)
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for given in itertools.islice(arguments, _AHEAD * workers):
                begun.append(pool.submit(function, *given))
            while begun:
                result = begun.popleft().result()
                for given in itertools.islice(arguments, 1):
                    begun.append(pool.submit(function, *given))
                yield result
        finally:
            for future in begun:
                future.cancel()
