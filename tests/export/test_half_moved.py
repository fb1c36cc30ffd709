"""Exports that end between the moves of their files."""

import os
import signal
import subprocess
import sys

import pytest

from keras_3dmmstn.export.half_moved import JOURNAL, moving_all_or_none, recover
from tests.support.paths import ROOT

KILLED = """
import os, signal, sys
from pathlib import Path
from keras_3dmmstn.export.half_moved import moving_all_or_none
folder = Path(sys.argv[1])
(folder / ".a").write_text("a")
(folder / ".b").mkdir()
(folder / ".b" / "in").write_text("b")
(folder / ".c").write_text("c")
moves = [(folder / f".{name}", folder / name) for name in "abc"]
with moving_all_or_none(folder, moves):
    (folder / ".a").replace(folder / "a")
    (folder / ".b").replace(folder / "b")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(folder):
    """A folder in which a process was killed after it had moved `a` and `b`, but not `c`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", KILLED, str(folder)], env=environment)
    assert run.returncode == -signal.SIGKILL
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_what_was_moved_is_removed_and_nothing_else(tmp_path):
    (tmp_path / "own.txt").touch()
    killed(tmp_path)
    assert names(tmp_path) == [".c", JOURNAL, "a", "b", "own.txt"]
    recover(tmp_path)
    assert names(tmp_path) == [".c", "own.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_file_that_somebody_put_in_its_place_stays(tmp_path):
    killed(tmp_path)
    (tmp_path / "new").write_text("mine")
    (tmp_path / "new").replace(tmp_path / "a")
    recover(tmp_path)
    assert (tmp_path / "a").read_text() == "mine" and not (tmp_path / "b").exists()


def test_moves_that_are_done_stay(tmp_path):
    (tmp_path / ".a").touch()
    with moving_all_or_none(tmp_path, [(tmp_path / ".a", tmp_path / "a")]):
        (tmp_path / ".a").replace(tmp_path / "a")
    recover(tmp_path)
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("content", ["", "[]", "[7]", "[" * 100_000, '[["../b", [1, 2]]]'])
def test_a_journal_that_is_none_removes_nothing(tmp_path, content):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a").touch()
    (tmp_path / "b").touch()
    (folder / JOURNAL).write_text(content)
    recover(folder)
    assert names(tmp_path) == ["b", "out"] and names(folder) == ["a"]
