"""Signals that stop the program: Ctrl-C and SIGTERM, with exit status 130 and 143."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

# Signals that came, in order. A library may swallow the exception that one raises.
_received: list[int] = []

# What the command said about it.
_said: list[str] = []

# Seconds after which a signal comes again that Python itself swallowed.
_AGAIN = 0.05


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Makes SIGTERM end what is within as Ctrl-C does, with its own exit status.

    Both raise KeyboardInterrupt, so that nothing half written is left, and a run of training says
    how it goes on.
    """
    _received.clear()
    _said.clear()
    # Who started the program with signals ignored, such as nohup, wants them ignored.
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, _stop) for number in numbers}
    hook, sys.unraisablehook = sys.unraisablehook, _come_again
    try:
        yield
    except KeyboardInterrupt:  # while the program starts: its commands handle it by themselves
        sys.exit(exit_status())
    except SystemExit as end:
        if _received and end.code in (128 + signal.SIGINT, exit_status()):
            end.code = exit_status()
            if not _said:  # a command that does not say how it goes on
                with suppress(OSError, ValueError):
                    print("Stopped.", file=sys.stderr, flush=True)
        raise
    except Exception:
        if not _received:
            raise
        sys.exit(exit_status())  # a library that was being imported made an error of its own of it
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def end_stopped(message: str) -> NoReturn:
    """Ends a command that a signal has stopped with a message, such as how it goes on."""
    # What the commands need is imported by then: nothing waits for it before Ctrl-C is handled.
    import typer

    from keras_3dmmstn.cli import terminal

    _said.append(message)
    terminal.note(message)
    raise typer.Exit(exit_status()) from None


def exit_status() -> int:
    """Returns the exit status of a program that the first of the signals has stopped."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def raise_if_stopped() -> None:
    """Raises KeyboardInterrupt if a signal came, for loops in which a library may swallow it."""
    if _received:
        raise KeyboardInterrupt


def _come_again(unraisable: Any) -> None:
    """Sends a signal once more whose exception could not go up, as in `__del__` or a callback.

    Python would print a traceback, and go on.
    """
    if not (_received and issubclass(unraisable.exc_type, KeyboardInterrupt)):
        sys.__unraisablehook__(unraisable)
        return
    again = threading.Timer(_AGAIN, _send, [_received.pop()])
    again.daemon = True
    again.start()


def _send(number: int) -> None:
    """Sends a signal to this process, if it still stops the program."""
    if signal.getsignal(number) is _stop:
        signal.raise_signal(number)


def _stop(number: int, frame: FrameType | None) -> None:
    """Notes a signal and interrupts the program."""
    _received.append(number)
    raise KeyboardInterrupt
