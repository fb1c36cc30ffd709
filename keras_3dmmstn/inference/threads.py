"""Work on several processors, with its results in order."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")

# Results per thread that are started before the first one is used.
_AHEAD = 2


def processors() -> int:
    """Returns how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ahead(items: Iterable[Result]) -> Iterator[Result]:
    """Yields items that another thread fetches, up to two in advance.

    Args:
        items: such as a generator. If fetching one fails, the error comes after the items before.
    """
    iterator = iter(items)
    # Each item in a list, empty at the end.
    taken = in_threads(lambda: list(itertools.islice(iterator, 1)), itertools.repeat(()), 1)
    for item in taken:
        if not item:
            return
        yield item[0]


def in_threads(
    function: Callable[..., Result], arguments: Iterable[tuple[Any, ...]], workers: int
) -> Iterator[Result]:
    """Yields the results of a function for several arguments, in their order.

    Args:
        function: called in several threads at a time.
        arguments: of each call. They are fetched in the thread that takes the results, and only a
            few are held at a time. If fetching fails, the error comes after the results before it.
        workers: how many threads.
    """
    arguments = iter(arguments)
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:

        def begin_next() -> None:
            try:
                given = next(arguments)
            except StopIteration:
                return
            except Exception as error:
                begun.append(Future())
                begun[-1].set_exception(error)
            else:
                begun.append(pool.submit(function, *given))

        try:
            for _ in range(_AHEAD * workers):
                begin_next()
            while begun:
                result = begun.popleft().result()
                begin_next()
                yield result
        finally:
            for future in begun:
                future.cancel()
