"""Whether this process runs `keras-3dmmstn`, and how Ctrl-C ends it while it starts."""

import os
import signal
import sys
import threading
from pathlib import Path

_PACKAGE = __name__.split(".")[0]


def is_the_command() -> bool:
    """Returns whether this process runs `keras-3dmmstn`, which chooses the backend itself."""
    program = next(iter(sys.argv), "")
    if program == "-m":
        return _PACKAGE in sys.orig_argv or f"-m{_PACKAGE}" in sys.orig_argv
    # Under another name, too, if that is a link to it.
    return Path(os.path.realpath(program)).stem == "keras-3dmmstn"


def _end_quietly_on_ctrl_c():
    """Makes Ctrl-C end the process without a traceback, until the command handles it.

    The imports until then take long enough for people to press it.
    """
    is_python_s_own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_python_s_own and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if is_the_command():
    _end_quietly_on_ctrl_c()
