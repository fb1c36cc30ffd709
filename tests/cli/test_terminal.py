"""What is printed: names as they are, and what cannot be printed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_3dmmstn.cli import terminal
from tests.support.command_line import assert_fails
from tests.support.photograph_folders import add_photograph, results


@pytest.mark.skipif(os.name == "nt", reason="there, no file has such a name")
@pytest.mark.parametrize("name", ["line\nbreak.png", "bell\a.png", b"\xff.png", ":cat: [b].png"])
def test_any_name_is_printed(name, normalise, tmp_path):
    photograph = add_photograph(tmp_path / "in" / os.fsdecode(name))
    shown = {"line\nbreak.png": "line\\nbreak", "bell\a.png": "bell\\x07"}
    stem = shown.get(name, "\\udcff" if isinstance(name, bytes) else ":cat: [b]")
    assert normalise(tmp_path / "in").output == f"{tmp_path / 'out' / stem}: 1 face\n"
    result = normalise(photograph)
    assert result.exit_code == 0 and len(result.output.splitlines()) == 3
    photograph.write_bytes(b"no image")
    assert_fails(normalise(photograph), f"{stem}.png: expected an image")


def test_a_line_that_cannot_be_printed_is_no_failure(normalise, tmp_path, monkeypatch):
    def full(text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(terminal, "say", full)
    result = normalise(add_photograph(tmp_path / "x.png"))
    assert result.exit_code == 0
    assert "Results are no longer named: No space left on device." in result.output
    assert list(results(tmp_path / "out")) == ["x_0.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_below_the_output_ends_nothing(tmp_path):
    code = "from keras_3dmmstn.cli import terminal\nfor n in '12': terminal.tell_if_possible(n)"
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 0
    assert result.stderr.count(b"Results are no longer named") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--version"], ["face-model", "inspect", "bundled"]])
def test_results_that_were_asked_for_and_cannot_be_printed_are_a_failure(arguments):
    command = [sys.executable, "-m", "keras_3dmmstn", *arguments]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1
    assert result.stderr == b"The results cannot be printed: No space left on device.\n"


def test_another_error_of_the_system_goes_up():
    with pytest.raises(OSError, match="elsewhere"), terminal.naming_full_outputs():
        raise OSError(28, "No space left on device", "elsewhere")


def test_a_closed_pipe_ends_the_command(monkeypatch):
    def closed(text):
        raise BrokenPipeError

    monkeypatch.setattr(terminal, "say", closed)
    with pytest.raises(BrokenPipeError):
        terminal.tell_if_possible("x")
