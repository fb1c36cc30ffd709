"""The commands that pages show exist, with their options. They are parsed, not run."""

import re
import shlex

import pytest
import typer
from typer.core import TyperGroup

from keras_3dmmstn.cli.app import app
from keras_3dmmstn.training.config import describe_settings
from tests.support.pages import OTHER_PAGES, PAGES, inline_code, shell_lines

ALL = PAGES | OTHER_PAGES
NAME = "keras-3dmmstn"


def lines_of(page):
    return [line for line in shell_lines(ALL[page]) if line.startswith(f"{NAME} ")]


def command_and_arguments(words):
    """The command that words such as "data", "convert", "--out" begin with, and the rest."""
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup):
        assert words and words[0] in command.commands, f"no command {' '.join(words)}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


def options_of(command):
    return {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    } | {"--help"}


def parsed(words):
    """The exit status of a command that reads its arguments and then does nothing."""
    command, arguments = command_and_arguments(words)
    command.callback = lambda **values: None
    with pytest.raises(SystemExit) as end:
        command.main(list(arguments))
    return end.value.code


@pytest.mark.parametrize("page", [page for page in ALL if lines_of(page)])
def test_commands_can_be_parsed(page, capsys):
    for line in lines_of(page):
        words = shlex.split(line, comments=True)[1:]
        assert parsed(words) == 0, f"{line}: {capsys.readouterr().err}"


@pytest.mark.parametrize("page", ALL)
def test_commands_in_sentences_exist(page):
    for code in inline_code(ALL[page]):
        if not code.startswith(f"{NAME} ") or code.startswith(f"{NAME} --"):
            continue
        command, arguments = command_and_arguments(code.split()[1:])
        named = {word for word in arguments if re.match("--[a-z]", word)}
        assert named <= options_of(command), code


def test_options_in_sentences_belong_to_a_command():
    commands = [typer.main.get_command(app)]
    for group in commands:
        if isinstance(group, TyperGroup):
            commands += group.commands.values()
    known = {option for command in commands for option in options_of(command)} | OPTIONS_OF_SCRIPTS
    for page, path in PAGES.items():
        for code in inline_code(path):
            if code.startswith("--"):
                assert code.split()[0] in known, f"{page}: {code}"


#: Options of the scripts in `benchmarks` and `experiments`, and of the example for phones.
OPTIONS_OF_SCRIPTS = {"--basel", "--detector", "--pairs", "--record"}


@pytest.mark.parametrize("page", ALL)
def test_settings_exist(page):
    settings = describe_settings()
    for name in re.findall(r"--set (\w+)=", ALL[page].read_text()):
        assert name in settings or name == "name", name


def test_a_wrong_option_would_be_found(capsys):
    assert parsed(["data", "convert", "faces", "--into", "crops"]) == 2
    assert "--into" in capsys.readouterr().err
    with pytest.raises(AssertionError, match="no command turns"):
        command_and_arguments(["data", "turns"])
