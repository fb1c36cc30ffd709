"""Hides what TensorFlow prints from the terminal, and shows the end of it when the program dies.

Native code writes to file descriptor 2, in part before TensorFlow reads its logging level. So the
descriptor is redirected to a temporary file, while `sys.stderr` still goes to where it went before.
"""

import faulthandler
import logging
import os
import re
import signal
import sys
import tempfile
import warnings
from typing import IO, Self

# How much of its end is read, in bytes, and how much is shown, in lines.
_END, _LINES = 1 << 16, 20
# What stops a program from outside.
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
# Loggers of libraries: the root, from which others inherit their level, and those with their own.
_LOGGERS = (None, "absl", "tensorflow")
# Lines that are marked as harmless.
_REMARK = re.compile(r"I\d{4} |INFO: |WARNING: All log messages before absl::InitializeLog")


class NativeOutput:
    """The output of native code, as a context in which it can be hidden.

    An exception that leaves the context is printed as Python would print it, followed by the end
    of the hidden output, and ends the program.
    """

    def __init__(self) -> None:
        self._hidden: IO[bytes] | None = None
        self._dismiss_watcher: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, traceback) -> None:
        if self._hidden is None:
            return
        is_unexpected = isinstance(error, Exception)
        if is_unexpected:
            sys.excepthook(kind, error, traceback)
            _print_end(self._hidden)
        if self._dismiss_watcher is not None:
            os.write(self._dismiss_watcher, b".")
        if is_unexpected:
            sys.exit(1)

    def hide(self, keep_log: bool = False) -> None:
        """Hides the output from now on, as well as log messages and Python warnings of libraries.

        Args:
            keep_log: whether this package's own log is still shown.
        """
        if self._hidden is not None or sys.stderr is None:
            return
        try:
            self._hidden = tempfile.TemporaryFile()  # noqa: SIM115
        except OSError:
            return  # there is no room to hide it
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        if keep_log:
            for name in _LOGGERS:
                logging.getLogger(name).setLevel(logging.ERROR)
        else:
            logging.disable(logging.WARNING)
        _ignore_warnings_of_others()

        encoding, terminal = sys.stderr.encoding, os.dup(2)
        sys.stderr.flush()
        os.dup2(self._hidden.fileno(), 2)
        sys.stderr = os.fdopen(terminal, "w", 1, encoding, "backslashreplace")
        faulthandler.enable(sys.stderr)
        self._dismiss_watcher = _watch(self._hidden)


def is_asked_for(verbose: bool) -> bool:
    """Returns whether the user wants to see it, by an option or by TensorFlow's own variable."""
    return verbose or os.environ.get("TF_CPP_MIN_LOG_LEVEL") in ("0", "1", "2")


def _ignore_warnings_of_others():
    """Prints this package's warnings as lines and ignores others, unless told otherwise."""
    if not sys.warnoptions:
        warnings.filterwarnings("ignore")
        warnings.filterwarnings("default", module=r"keras_3dmmstn\b")
        warnings.showwarning = lambda message, *_: print(f"Warning: {message}", file=sys.stderr)


def _watch(hidden):
    """Starts a process that prints the end of the hidden output if this one dies silently.

    Returns:
        The file descriptor to which a byte is written if all is well; None on Windows.
    """
    if not hasattr(os, "fork"):
        return None
    alive, dismiss = os.pipe()
    # A signal that arrived during the fork would be lost, and the logging lock never released.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    if os.fork():
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(alive)
        return dismiss
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    for descriptor in (0, 1, dismiss):  # whoever reads the output waits for all who could write it
        os.close(descriptor)
    if not os.read(alive, 1):
        _print_end(hidden)
    os._exit(0)


def _print_end(hidden):
    """Prints the last lines that were hidden, if there are any."""
    hidden.seek(max(0, hidden.seek(0, os.SEEK_END) - _END))
    lines = hidden.read().decode(errors="replace").splitlines()
    lines = [line for line in lines if not _REMARK.match(line)][-_LINES:]
    if lines:
        print("The last lines that TensorFlow and other libraries printed:", file=sys.stderr)
        print(*lines, sep="\n", file=sys.stderr, flush=True)
