"""`keras-3dmmstn` itself: help, version, completion, and how fast they are."""

import os
import re
import resource
import subprocess
import sys

import pytest
import typer

from keras_3dmmstn import __version__
from keras_3dmmstn.cli.app import app, help_text
from tests.support.command_line import run

COMMANDS = {
    (): ("normalise", "train", "evaluate", "export", "data", "face-model", "figure"),
    ("data",): ("convert", "inspect", "turn"),
    ("face-model",): ("build", "inspect", "render", "sample"),
    ("figure",): ("uv", "pipeline", "person", "mean-texture"),
}
HEAVY = ("tensorflow", "keras", "numpy", "cv2", "scipy", "igl")

# What the answer to a wrong option and the like may take of a processor, in seconds.
MOMENT = 1.0


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The program as pip installs it."""
    path = tmp_path_factory.mktemp("bin") / "keras-3dmmstn"
    path.write_text("import sys\nfrom keras_3dmmstn.cli import main\nsys.exit(main())\n")
    return path


def processor_seconds(command, **variables):
    """Runs a program; returns what it printed, and the seconds of a processor that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env={**os.environ, **variables, "COLUMNS": "200"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    print(f"{seconds:.2f} s of a processor: {command}")  # shown where the test fails
    return result.stdout + result.stderr, seconds


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--help"], "Usage: keras-3dmmstn"),
        (["--version"], f"keras-3dmmstn {__version__}"),
        (["normalise", "--ouch"], "No such option"),
        (["normalize"], "No such command 'normalize'"),
    ],
)
def test_an_answer_takes_a_moment(script, arguments, expected):
    output, seconds = processor_seconds([script, *arguments])
    assert expected in output
    assert seconds < MOMENT


def test_completion_takes_a_moment(script):
    output, seconds = processor_seconds(
        [script],
        _KERAS_3DMMSTN_COMPLETE="complete_bash",
        COMP_WORDS="keras-3dmmstn fig",
        COMP_CWORD="1",
    )
    assert output.split() == ["figure"]
    assert seconds < MOMENT


def test_no_help_loads_what_the_commands_need():
    helps = [[*group, *names] for group, all in COMMANDS.items() for names in ([], *zip(all))]
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom keras_3dmmstn.cli.app import app\n"
        f"for words in {helps!r}:\n"
        "    assert CliRunner().invoke(app, [*words, '--help']).exit_code == 0, words\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    output, _ = processor_seconds(["-c", code])
    assert output.strip() == "[]"


@pytest.mark.parametrize("group", COMMANDS)
def test_every_command_is_listed_and_has_a_short_help_option(group):
    listed = run(*group, "-h").output
    for name in COMMANDS[group]:
        assert f" {name} " in listed
        result = run(*group, name, "-h")
        assert result.exit_code == 0 and f"{name} [OPTIONS]" in result.output


@pytest.mark.parametrize("group", COMMANDS)
def test_without_a_command_there_is_help(group):
    result = run(*group)
    assert result.exit_code in (0, 2) and "Commands" in result.output


def test_python_runs_the_package():
    output, _ = processor_seconds(["-m", "keras_3dmmstn", "--version"])
    assert output == f"keras-3dmmstn {__version__}\n"


def test_a_paragraph_of_help_is_broken_at_the_screen_s_width_alone():
    def command():
        """Do it.

        One paragraph that is
        broken in the source.

        Another.
        """

    assert help_text(command) == (
        "Do it.\n\nOne paragraph that is broken in the source.\n\nAnother."
    )


@pytest.mark.parametrize("group", COMMANDS)
def test_the_help_of_every_command_has_its_paragraphs_on_a_line(group):
    click_group = typer.main.get_command(app)
    for name in group:
        click_group = click_group.commands[name]
    for name in COMMANDS[group]:
        command = click_group.commands[name]
        if not hasattr(command, "commands"):
            assert not re.search(r"\S\n\S", command.help), name
