"""Signals that stop the program: Ctrl-C and SIGTERM, with exit status 130 and 143."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

# Signals received, in order. A library may swallow the exception that one raises.
_received: list[int] = []

# What the command told the user about stopping.
_said: list[str] = []

# Seconds after which a signal that Python itself swallowed is sent again.
_AGAIN = 0.05


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Makes SIGTERM end the code in this context as Ctrl-C does, with its own exit status.

    Both raise KeyboardInterrupt, so that no half-written file is left, and a training run can say
    how to continue it.
    """
    _received.clear()
    _said.clear()
    # If the program was started with signals ignored, as by nohup, they stay ignored.
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, _stop) for number in numbers}
    hook, sys.unraisablehook = sys.unraisablehook, _come_again
    try:
        yield
    except KeyboardInterrupt:  # while the program starts: the commands handle it themselves
        sys.exit(exit_status())
    except SystemExit as end:
        if _received and end.code in (128 + signal.SIGINT, exit_status()):
            end.code = exit_status()
            if not _said:  # a command that does not say how to continue
                with suppress(OSError, ValueError):
                    print("Stopped.", file=sys.stderr, flush=True)
        raise
    except Exception:
        if not _received:
            raise
        sys.exit(exit_status())  # a library being imported turned it into an error of its own
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def end_stopped(message: str) -> NoReturn:
    """Ends a command that a signal has stopped, with a message such as how to continue."""
    # The commands have imported these by then, so Ctrl-C is handled without waiting for them.
    import typer

    from keras_3dmmstn.cli import terminal

    _said.append(message)
    terminal.note(message)
    raise typer.Exit(exit_status()) from None


def exit_status() -> int:
    """Returns the exit status of a program stopped by the first signal received."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def raise_if_stopped() -> None:
    """Raises KeyboardInterrupt after a signal, for loops in which a library may swallow it."""
    if _received:
        raise KeyboardInterrupt


def _come_again(unraisable: Any) -> None:
    """Sends a signal again whose exception could not propagate, as in `__del__` or a callback.

    Python would print a traceback and continue.
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
    """Records a signal and interrupts the program."""
    _received.append(number)
    raise KeyboardInterrupt
