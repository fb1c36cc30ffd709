"""What TensorFlow prints does not reach a user, unless it is asked for or the program dies."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

# A command that does in a moment what commands do in minutes.
PROGRAM = """
import os, sys, warnings
from keras_3dmmstn.cli import main
from keras_3dmmstn.cli.data import inspect

def prints_and(*arguments):
    os.write(2, b"I0000 00:00 a remark\\nF0000 00:00 native words\\n")
    print("words of ours", sys.stderr.isatty(), file=sys.stderr)
    {end}

inspect._describe = prints_and
sys.argv = ["keras-3dmmstn", *{options}, "data", "inspect", "folder"]
main()
"""

EXPECTED = 'raise ValueError("expected")'
OURS = ["words of ours False", "expected"]


def run(end=EXPECTED, options=(), **variables):
    """Runs the command; returns its exit status and the lines on stderr."""
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(end=end, options=list(options))],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )
    return result.returncode, result.stderr.splitlines()


def test_native_words_are_hidden():
    assert run() == (1, OURS)


@pytest.mark.parametrize("options", [["-vv"], ["--verbose", "-v"]])
def test_they_are_shown_where_asked_for(options):
    status, lines = run(options=options)
    assert status == 1 and lines[:2] == ["I0000 00:00 a remark", "F0000 00:00 native words"]
    assert lines[2:4] == OURS and "took" in lines[4]


def test_the_level_that_a_user_sets_is_respected():
    _, lines = run(TF_CPP_MIN_LOG_LEVEL="0")
    assert "F0000 00:00 native words" in lines


def test_an_exception_that_is_not_expected_is_followed_by_them():
    status, lines = run('raise RuntimeError("a bug")')
    assert status == 1 and "Traceback (most recent call last):" in lines
    assert lines[-3:] == [
        "RuntimeError: a bug",
        "The last lines that TensorFlow and other libraries printed:",
        "F0000 00:00 native words",
    ]


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT"])
def test_a_crash_of_native_code_is_followed_by_them(name):
    number = signal.Signals[name]
    status, lines = run(f"os.kill(os.getpid(), {number:d})")
    assert status == -number
    assert any(line.startswith("Fatal Python error: ") for line in lines)
    assert any(line.endswith("in prints_and") for line in lines)
    assert lines[-1] == "F0000 00:00 native words"


def test_a_program_that_is_killed_says_them_too():
    status, lines = run(f"os.kill(os.getpid(), {signal.SIGKILL:d})")
    assert status == -signal.SIGKILL and lines[-1] == "F0000 00:00 native words"


def test_warnings_of_libraries_are_hidden_and_ours_are_lines():
    warn = "warnings.warn_explicit({!r}, DeprecationWarning, 'file.py', 1, module={!r}); "
    warnings = warn.format("theirs", "keras.layers") + warn.format("ours", "keras_3dmmstn.network")
    assert run(warnings + EXPECTED) == (1, [OURS[0], "Warning: ours", OURS[1]])


def test_log_records_of_libraries_are_hidden():
    log = "import logging; logging.getLogger('tensorflow').warning('retracing'); "
    assert run(log + EXPECTED) == (1, OURS)


@pytest.mark.parametrize("library", ["tensorflow", "absl", "other"])
def test_with_the_package_s_own_log_they_stay_hidden(library):
    log = f"import logging; logging.getLogger({library!r}).warning('theirs'); "
    log += "logging.getLogger('keras_3dmmstn.network').info('ours'); "
    status, lines = run(log + EXPECTED, options=["-v"])
    assert status == 1 and [line.split(" ", 1)[-1] for line in lines[1:2]] == ["INFO ours"]
    assert [lines[0], lines[2]] == OURS and len(lines) == 4 and "took" in lines[3]


def test_a_terminal_stays_a_terminal():
    pty = pytest.importorskip("pty", reason="needs pseudo-terminals")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM.format(end=EXPECTED, options=[])]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(command, stdout=theirs, stderr=theirs, env=environment)
    assert b"words of ours True" in os.read(ours, 4096)


def test_tensorflow_says_nothing(tmp_path):
    portrait = ROOT / "keras_3dmmstn" / "assets" / "portrait.jpg"
    command = ["-m", "keras_3dmmstn", "normalise", portrait, "--box", "88,87,181,179"]
    result = subprocess.run(
        [sys.executable, *command, "--out", tmp_path],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"},
    )
    assert result.returncode == 0 and result.stderr == ""
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_signal_while_the_watcher_starts_ends_the_program():
    code = (
        "import os, signal\n"
        "stop = lambda: os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.register_at_fork(before=stop, after_in_parent=stop)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code + PROGRAM.format(end="", options=[])],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert (ended.returncode, ended.stderr) == (143, "Stopped.\n")
