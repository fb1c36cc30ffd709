"""Processes that were forked after TensorFlow had been used, in which TensorFlow hangs."""

import os
import sys

# The process that first used TensorFlow, in a list of one.
_FIRST_PROCESS: list[int] = []


def check_process() -> None:
    """Raises a RuntimeError in a process that was forked after TensorFlow was used.

    LiteRT alone works there: used in one thread, as here, it has no threads that a fork would lose.
    """
    if "tensorflow" not in sys.modules:
        return
    if not _FIRST_PROCESS:
        _FIRST_PROCESS.append(os.getpid())
    if _FIRST_PROCESS[0] != os.getpid():
        raise RuntimeError(
            f"Process {os.getpid()} was forked from {_FIRST_PROCESS[0]} after TensorFlow had been "
            "used there, and would hang. Start processes with "
            'multiprocessing.get_context("spawn"), or fork before the first use.'
        )
