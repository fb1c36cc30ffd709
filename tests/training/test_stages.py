import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from keras_3dmmstn.cli.app import app
from keras_3dmmstn.folder_lock import FolderInUseError
from keras_3dmmstn.training.config import with_settings
from keras_3dmmstn.training.config_file import parse_setting
from keras_3dmmstn.training.recipes import recipe
from keras_3dmmstn.training.stages import (
    BUNDLED_WEIGHTS,
    STAGES_FILE,
    Stage,
    read_stages,
    run_stages,
)
from tests.support.command_line import assert_fails, run

# Appends its arguments to a file; "fail" fails unless there is a file `mended`.
SCRIPT = """
import sys
from pathlib import Path
from pathlib import Path
out, *words = sys.argv[1:]
if words == ["fail"] and not Path(out, "mended").exists():
    sys.exit(3)
with open(Path(out, "words"), "a") as file:
    print(*words, file=file)
"""
FILE = """
[lists]
two = ["b", "c"]

[[stage]]
name = "one"
minutes = 2
command = ["{script}", "{out}", "a"]

[[stage]]
name = "two"
command = ["{script}", "{out}", "@two"]

[[stage]]
name = "three"
command = ["{script}", "{out}", "%s"]
"""


@pytest.fixture
def stages(tmp_path):
    """Returns a function from the last stage's word to the stages."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def read(last="d"):
        (tmp_path / "stages.toml").write_text(FILE % last)
        return read_stages(tmp_path / "stages.toml", {"out": tmp_path / "run", "script": script})

    return read


def test_stages_run_in_order_and_once(stages, tmp_path):
    lines = []
    run_stages(stages(), tmp_path / "run", report=lines.append)
    assert (tmp_path / "run/words").read_text() == "a\nb c\nd\n"
    assert lines[0] == "stage 1 of 3, one: some 2 minutes on two cores"
    run_stages(stages(), tmp_path / "run", report=lines.append)
    assert (tmp_path / "run/words").read_text() == "a\nb c\nd\n"
    assert lines[-1].startswith("stage 3 of 3, three: done in 0.")


def test_a_run_goes_on_after_a_stage_that_failed(stages, tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as failure:
        run_stages(stages("fail"), tmp_path / "run")
    assert failure.value.returncode == 3
    assert (tmp_path / "run/words").read_text() == "a\nb c\n"
    (tmp_path / "run/mended").touch()
    run_stages(stages("fail"), tmp_path / "run")
    assert (tmp_path / "run/words").read_text() == "a\nb c\nfail\n"


def test_one_stage_alone(stages, tmp_path):
    run_stages(stages(), tmp_path / "run", only="two")
    assert (tmp_path / "run/words").read_text() == "b c\n"
    with pytest.raises(ValueError, match="stage among one, two, three, received four"):
        run_stages(stages(), tmp_path / "run", only="four")


def test_a_stage_that_was_done_otherwise_is_refused(stages, tmp_path):
    run_stages(stages(), tmp_path / "run")
    with pytest.raises(ValueError, match="the stage three was done by another command than"):
        run_stages(stages("e"), tmp_path / "run")
    assert (tmp_path / "run/words").read_text() == "a\nb c\nd\n"


# A number that JSON and TOML may have, and no float.
HUGE = '{"one": {"command": "a", "minutes": 1' + "0" * 400 + "}}"


@pytest.mark.parametrize("text", ["{", "[]", '{"one": 3}', '{"one": {}}', HUGE])
def test_a_damaged_record_is_named(text, stages, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / STAGES_FILE).write_text(text)
    with pytest.raises(ValueError, match=rf"{STAGES_FILE}: expected which stages are done"):
        run_stages(stages(), tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("= 3", "TOML file of stages"),
        ("lists = 3", "no 'stage'"),
        ("stage = 3", "TOML file of stages"),
        ('[[stage]]\nname = "a"\ncommand = []', "a name and a command of texts"),
        ('[[stage]]\nname = "a"\ncommand = ["@b"]', "no 'b'"),
        ('[[stage]]\nname = "a"\ncommand = ["{b}"]', "a path for each of b, received none for b"),
        ('[[stage]]\nname = "a"\ncommand = ["b"]\n' * 2, "stages of different names"),
    ],
)
def test_a_file_that_is_none_is_refused(text, message, tmp_path):
    (tmp_path / "stages.toml").write_text(text)
    with pytest.raises(ValueError, match=rf"stages\.toml: expected .*{message}"):
        read_stages(tmp_path / "stages.toml", {})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.toml"):
        read_stages(tmp_path / "none.toml", {})


# The bundled weights


@pytest.fixture(scope="module")
def bundled():
    return read_stages(BUNDLED_WEIGHTS, {"faces": "FACES", "mediapipe": "MP", "out": "RUN"})


def test_commands_of_the_bundled_weights_are_those_of_the_program(bundled):
    program = typer.main.get_command(app)
    for stage in bundled:
        if stage.command[0].endswith(".py"):
            continue
        command, words = program, list(stage.command)
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        parameters = command.make_context(stage.name, words).params
        assert str(parameters["out"]) == f"RUN/{stage.name}"
        if stage.command[0] == "train":
            assert len(parameters["weight"]) == len(parameters["folders"])
            settings = dict(parse_setting(text) for text in parameters["setting"])
            with_settings(recipe(parameters["recipe"] or "compact"), settings)


def test_stages_of_the_bundled_weights_use_what_was_made_before_them(bundled):
    made = set()
    for stage in bundled:
        for text in stage.command:
            if text.startswith("RUN/"):
                assert text.split("/")[1] in made | {stage.name}, stage.name
        made.add(stage.name)
        assert 0 < stage.minutes <= 150
    assert "compact" in made
    assert sum(stage.minutes for stage in bundled) < 6.2 * 60


def test_the_command_runs_and_names_what_failed(stages, tmp_path):
    stages("fail")
    command = [sys.executable, "-m", "keras_3dmmstn", "train-stages", tmp_path / "stages.toml"]
    command += ["--out", tmp_path / "run", "--path", f"script={tmp_path / 'script.py'}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert "A stage failed:" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert set(json.loads((tmp_path / "run" / STAGES_FILE).read_text())) == {"one", "two"}
    listed = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=True)
    assert listed.stdout.count("script.py") == 3


def test_a_dry_run_lists_one_stage_and_names_one_that_there_is_not(stages, tmp_path):
    stages("fail")
    command = ("train-stages", tmp_path / "stages.toml", "--out", tmp_path / "run", "--dry-run")
    command += ("--path", f"script={tmp_path / 'script.py'}")
    listed = run(*command, "--only", "two")
    assert listed.exit_code == 0 and listed.output.count("# two") == 1
    assert listed.output.count("script.py") == 1
    assert_fails(run(*command, "--only", "nope"), "Expected a stage among one, two", "nope")


def test_the_example_of_the_page_is_a_file_of_stages(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "training.md"
    (block,) = re.findall(r"```toml\n(\[\[stage.*?)```", page.read_text("utf-8"), re.S)
    (tmp_path / "mine.toml").write_text(block)
    stages = read_stages(tmp_path / "mine.toml", {"faces": "F", "out": "O"})
    assert [stage.command[-1] for stage in stages] == ["O/crops", "O/run"]


def test_options_go_to_commands_of_the_program_and_not_to_scripts():
    program, script = (Stage("one", (name, "--out", "run"), 1.0) for name in ("train", "tool.py"))
    assert program.arguments(["-q"])[1:] == ["-m", "keras_3dmmstn", "-q", "train", "--out", "run"]
    assert script.arguments(["-q"])[1:] == ["tool.py", "--out", "run"]


def test_what_a_stage_says_of_its_failure_is_shown(tmp_path):
    script = tmp_path / "fails.py"
    script.write_text("import sys; sys.exit('the reason')")
    file = tmp_path / "stages.toml"
    file.write_text(f'[[stage]]\nname = "one"\ncommand = ["{script}"]\n')
    command = [sys.executable, "-m", "keras_3dmmstn", "train-stages", str(file)]
    run = subprocess.run(
        [*command, "--out", str(tmp_path / "run")], capture_output=True, text=True, cwd=tmp_path
    )
    assert run.returncode == 1 and "the reason" in run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_stage_keeps_the_folder_when_its_parent_is_killed(tmp_path):
    script = tmp_path / "long.py"
    script.write_text(f"import time; open({str(tmp_path / 'began')!r}, 'w'); time.sleep(60)")
    file = tmp_path / "stages.toml"
    file.write_text(f'[[stage]]\nname = "one"\ncommand = ["{script}"]\n')
    code = (
        "import sys; from keras_3dmmstn.training.stages import read_stages, run_stages\n"
        f"run_stages(read_stages({str(file)!r}, {{}}), {str(tmp_path / 'run')!r})"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        while not (tmp_path / "began").exists():
            assert parent.poll() is None
            time.sleep(0.05)
        parent.kill()
        parent.wait()
        with pytest.raises(FolderInUseError):
            run_stages(read_stages(file, {}), tmp_path / "run")
    finally:
        os.killpg(parent.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "text", ['{"one": {"command": "COMMAND"}}', "[" * 50_000, '{"one": {"minutes": [1]}}', "[]"]
)
def test_a_damaged_record_of_what_is_done_is_named(stages, tmp_path, text):
    (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run" / STAGES_FILE).write_text(text.replace("COMMAND", stages()[0].digest))
    with pytest.raises(ValueError, match=f"{STAGES_FILE}: expected which stages are done"):
        run_stages(stages(), tmp_path / "run")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 20_000,
        '[[stage]]\nname = "one"\ncommand = "data inspect"\n',
        '[lists]\nl = "abc"\n[[stage]]\nname = "one"\ncommand = ["@l"]\n',
    ],
    ids=["deep", "a command of one text", "a list of one text"],
)
def test_files_of_stages_that_are_none_are_named(tmp_path, text):
    file = tmp_path / "stages.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"stages\.toml: expected a TOML file of stages"):
        read_stages(file, {})


def test_a_pipe_is_no_file_of_stages(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="expected a file, received a named pipe"):
        read_stages(tmp_path / "pipe", {})
