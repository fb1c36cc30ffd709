"""Progress: on a terminal a line that changes, elsewhere plain lines or nothing."""

import io
import re

import pytest
from rich.console import Console

from keras_3dmmstn.cli import progress, terminal


@pytest.fixture
def screen(monkeypatch):
    """A terminal for what is printed beside the results."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(progress, "errors", console)
    return console.file


def test_steps_are_numbered_lines_where_there_is_no_terminal(capsys):
    with progress.steps(2) as begin:
        begin("Cutting")
        begin("Flattening")
    lines = capsys.readouterr().err.splitlines()
    assert [re.sub(r"\d+ s", "_ s", line) for line in lines] == [
        "1/2 Cutting (_ s)",
        "2/2 Flattening (_ s)",
    ]


def test_steps_change_one_line_of_a_terminal(screen):
    with progress.steps(2) as begin:
        begin("Cutting")
        begin("Flattening")
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert "2/2 Flattening 0:00:0" in text and "(0 s)" not in text


def test_a_bar_goes_through_a_sequence(screen):
    assert list(progress.tracking("Reading")([3, 1, 2])) == [3, 1, 2]
    assert "Reading" in screen.getvalue()


def test_no_bar_is_drawn_where_there_is_no_terminal(capsys):
    assert list(progress.tracking("Reading")([3, 1, 2])) == [3, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_results_that_go_to_a_file_are_not_drawn_on_the_terminal(screen, capsys):
    for path in progress.tracking("Writing")(["a.png"]):
        terminal.say(path)
    assert capsys.readouterr().out == "a.png\n"
    assert "a.png" not in screen.getvalue()


def test_results_on_the_terminal_of_a_bar_have_lines_of_their_own_above_it(screen, monkeypatch):
    monkeypatch.setattr(progress, "output", progress.errors)
    for path in progress.tracking("Writing")(["[a].png"]):
        terminal.say(path)
    assert "\x1b[2K[a].png\n" in screen.getvalue()
