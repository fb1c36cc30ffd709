"""`-v`, `-vv` and `-q`: the log, and what is left where a command is to be quiet."""

import logging
import re

import pytest

from keras_3dmmstn.cli import terminal, verbosity
from tests.support.command_line import assert_fails, found_by_detector, names, run
from tests.support.paths import ROOT
from tests.support.photograph_folders import add_photograph

ASSET = ROOT / "keras_3dmmstn" / "assets" / "face_model.npz"
LOG = re.compile(r"\d\d:\d\d:\d\d (INFO|DEBUG) (.*)")


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "in"
    for name in ("a.png", "b.png", ".c.png", "notes.txt"):
        add_photograph(folder / name)
    (folder / "b.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def arguments(photographs, weights, faces, tmp_path):
    """Those of a command that normalises one photograph, and fails on another."""
    options = ("--out", tmp_path / "out", "--weights", weights, "--no-overlay")
    return "normalise", photographs, *options


def logged(result, level="INFO"):
    """The messages of a level that a command printed."""
    lines = map(LOG.fullmatch, result.stderr.splitlines())
    return [line[2] for line in lines if line and line[1] == level]


def test_without_options_there_is_no_log(arguments):
    result = run(*arguments)
    assert_fails(result, "b.png: expected an image", "1 of 2 photographs failed.")
    assert not re.search(r"\d\d:\d\d:\d\d", result.output)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_log_says_what_was_done_wherever_the_option_stands(
    arguments, photographs, weights, place
):
    result = run(*arguments[:place], "-v", *arguments[place:])
    assert_fails(result, "1 of 2 photographs failed.")
    lines, a = logged(result), photographs / "a.png"
    assert any(line.startswith(f"weights of {weights / 'localiser.keras'}: ") for line in lines)
    assert "LiteRT runs the localiser on the CPU, on up to" in "\n".join(lines)
    for name, reason in (
        (".c.png", "its name is hidden, or does not end as a photograph's"),
        ("notes.txt", "its name is hidden, or does not end as a photograph's"),
    ):
        assert f"left out: {photographs / name}: {reason}" in lines
    assert f"{photographs}: 2 photographs" in lines
    assert any(re.match(rf"{a}: the detector found 1 face in \d+\.\d\d s", line) for line in lines)
    assert "  face 0: box 20, 20, 80, 80, score 0.90, roll 0°" in lines
    assert any(re.match(rf"{a}: .* 1 face normalised in \d+\.\d\d s", line) for line in lines)
    assert any(line.startswith(f"{photographs / 'b.png'}: failed: ") for line in lines)
    assert re.search(r"normalise took \d+\.\d s", lines[-1])
    assert not logged(result, "DEBUG")
    # Beside the log, all is as without it.
    assert result.stdout.endswith("a: 1 face\n")


def test_twice_it_says_more(arguments):
    result = run("-v", *arguments, "-v")
    assert any(line.startswith("  face 0: ") for line in logged(result, "DEBUG"))


@pytest.mark.parametrize("place", [0, 1])
def test_quiet_leaves_errors_only(arguments, photographs, tmp_path, place):
    result = run(*arguments[:place], "-q", *arguments[place:])
    assert result.exit_code == 1 and result.stdout == ""
    first, last = result.stderr.splitlines()
    assert first.startswith(f"{photographs / 'b.png'}: expected an image")
    assert last == "1 of 2 photographs failed."
    assert "a_0.json" in names(tmp_path / "out")


def test_quiet_says_nothing_of_photographs_without_faces(arguments, photographs, monkeypatch):
    (photographs / "b.png").unlink()
    found_by_detector(monkeypatch, 0)
    result = run(*arguments, "--quiet")
    assert result.exit_code == 0 and result.output == ""
    assert "no face was found" in run(*arguments).output


def test_quiet_leaves_the_result_that_was_asked_for(tmp_path):
    picture = tmp_path / "uv.png"
    assert run("figure", "uv", "--out", picture, "-q").output == "" and picture.exists()
    assert "modes" in run("-q", "face-model", "inspect", ASSET).stdout


def test_the_two_do_not_go_together(arguments):
    result = run("-q", *arguments, "-v")
    assert result.exit_code == 2 and "-q and -v do not go together" in result.output


def test_nothing_is_left_of_them_after_the_command(arguments):
    package = logging.getLogger("keras_3dmmstn")
    before = package.level, package.propagate, list(package.handlers)
    run(*arguments, "-vv")
    run(*arguments, "-q")
    assert (package.level, package.propagate, list(package.handlers)) == before
    assert not terminal.is_quiet


@pytest.mark.parametrize("options", [[], ["-q"], ["-v"], ["-v", "-v"]])
def test_stages_get_the_options_of_the_command_that_runs_them(options):
    with verbosity._printing(options.count("-v"), "-q" in options):
        assert verbosity.verbosity_options() == options
