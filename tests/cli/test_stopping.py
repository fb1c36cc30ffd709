"""Programs that are stopped by a signal."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
import typer

from keras_3dmmstn.cli.stopping import end_stopped, raise_if_stopped, stopping_on_signals
from tests.support.paths import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


@pytest.fixture(autouse=True)
def python_s_own_handlers():
    """Signals as Python has them by default, whatever the tests were started with (nohup, cron)."""
    own = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in own.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_by_itself_or_by_typer(number, status, capsys):
    with pytest.raises(SystemExit) as ended, stopping_on_signals():
        os.kill(os.getpid(), number)
    assert ended.value.code == status

    app = typer.Typer()
    undone = []

    @app.command()
    def wait():
        try:
            os.kill(os.getpid(), number)
        finally:
            undone.append(True)

    with pytest.raises(SystemExit) as ended, stopping_on_signals():
        app([])
    assert ended.value.code == status and undone == [True]
    assert capsys.readouterr().err == "Stopped.\n"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_says_how_it_goes_on(number, status, capsys):
    app = typer.Typer()

    @app.command()
    def wait():
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            end_stopped("Stopped. Repeat the command.")

    with pytest.raises(SystemExit) as ended, stopping_on_signals():
        app([])
    assert ended.value.code == status
    assert capsys.readouterr().err == "Stopped. Repeat the command.\n"


def test_an_error_that_a_library_makes_of_a_signal_is_no_traceback():
    with pytest.raises(SystemExit) as ended, stopping_on_signals():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("initialization failed") from None
    assert ended.value.code == 130
    with pytest.raises(ImportError), stopping_on_signals():
        raise ImportError("without a signal")


def test_other_ends_keep_their_status_and_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    for status in (0, 1, 2):
        with pytest.raises(SystemExit) as ended, stopping_on_signals():
            sys.exit(status)
        assert ended.value.code == status
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_signal_that_a_library_swallows_stops_the_next_step():
    with pytest.raises(SystemExit) as ended, stopping_on_signals():
        raise_if_stopped()
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        raise_if_stopped()
        pytest.fail("went on")
    assert ended.value.code == 143


class SignalWhenItGoes:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)


def test_a_signal_where_nothing_can_be_raised_comes_again(capsys):
    hook = sys.unraisablehook
    with pytest.raises(SystemExit) as ended, stopping_on_signals():
        SignalWhenItGoes()
        for _ in range(500):
            time.sleep(0.01)
        pytest.fail("went on")
    assert ended.value.code == 143
    assert capsys.readouterr().err == "" and sys.unraisablehook is hook


def test_other_errors_where_nothing_can_be_raised_are_printed(capsys):
    class Wrong:
        def __del__(self):
            raise ValueError("of its own")

    with pytest.MonkeyPatch.context() as patch, stopping_on_signals():
        printed = []
        patch.setattr(sys, "__unraisablehook__", printed.append)
        Wrong()
    assert [str(one.exc_value) for one in printed] == ["of its own"]


def test_signals_that_the_caller_ignores_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping_on_signals():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_program_ends_without_a_traceback_while_it_starts():
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'keras_3dmmstn.cli.app':\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from keras_3dmmstn.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "", "")


@pytest.mark.parametrize(("program", "is_quiet"), [("keras-3dmmstn", True), ("mine.py", False)])
def test_ctrl_c_before_the_command_begins_prints_no_traceback(program, is_quiet):
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.argv[0] = {program!r}\n"
        "import keras_3dmmstn\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == -signal.SIGINT
    assert ("Traceback" in ended.stderr) != is_quiet
