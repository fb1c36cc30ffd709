"""A training in stages: commands in order, each starting from the results of those before."""

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keras_3dmmstn.atomic_files import write_atomically
from keras_3dmmstn.folder_lock import folder_in_use
from keras_3dmmstn.outside_files import read_file
from keras_3dmmstn.training.config_file import read_toml

#: The name of the file in the run's folder that records which stages are done.
STAGES_FILE = "stages.json"

#: The stages that made the bundled weights.
BUNDLED_WEIGHTS = Path(__file__).with_name("bundled_weights.toml")

_NAME = re.compile(r"\{(\w+)\}")
# Exceptions caused by a file with unexpected values.
_NOT_AS_WRITTEN = (AttributeError, KeyError, OverflowError, TypeError, RecursionError, ValueError)


@dataclass(frozen=True)
class Stage:
    """A stage of a training.

    Attributes:
        name: the name of the stage and of its result in the folder of the run.
        command: arguments of `keras-3dmmstn`; if the first ends with `.py`, it is a script.
        minutes: the approximate duration on two cores.
    """

    name: str
    command: tuple[str, ...]
    minutes: float

    @property
    def digest(self) -> str:
        """Returns a short digest of the command."""
        return hashlib.sha256(json.dumps(self.command).encode()).hexdigest()[:16]

    def with_paths(self, paths: Mapping[str, str | Path]) -> "Stage":
        """Returns the stage with names in braces replaced by paths."""
        filled = (_NAME.sub(lambda match: str(paths[match[1]]), text) for text in self.command)
        return replace(self, command=tuple(filled))

    def arguments(self, options: Sequence[str] = ()) -> list[str]:
        """Returns the arguments of the process that runs the stage; a script gets no `options`."""
        script = self.command[0].endswith(".py")
        program = () if script else ("-m", "keras_3dmmstn", *options)
        return [sys.executable, *program, *self.command]


def read_stages(path: str | Path, paths: Mapping[str, str | Path]) -> list[Stage]:
    """Reads a file of stages.

    It has `[[stage]]`s, each with a `name`, a `command` (a list of texts) and `minutes`. `{name}`
    in an argument stands for one of `paths`. An argument `@name` stands for the list of arguments
    with that name in the table `[lists]`.

    Args:
        path: a TOML file.
        paths: what the names in braces stand for.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not TOML or not a file of stages, or a path is not given.
    """
    content = read_toml(path, "stages")
    try:
        lists = content.get("lists", {})
        stages = [_stage(entry, lists) for entry in content["stage"]]
    except _NOT_AS_WRITTEN as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path}: expected a TOML file of stages: {reason}.") from error
    names = [stage.name for stage in stages]
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: expected stages of different names, received {names}.")
    missing = {name for stage in stages for text in stage.command for name in _NAME.findall(text)}
    if missing - set(paths):
        raise ValueError(
            f"{path}: expected a path for each of {', '.join(sorted(missing))}, received none for "
            f"{', '.join(sorted(missing - set(paths)))}."
        )
    return [stage.with_paths(paths) for stage in stages]


def run_stages(
    stages: list[Stage],
    out: str | Path,
    only: str | None = None,
    report: Callable[[str], None] = print,
    options: Sequence[str] = (),
) -> None:
    """Runs the stages that are not done.

    A stage that was stopped continues when it is run again, if its command can.

    Args:
        stages: as from `read_stages`.
        out: the folder of the run; `stages.json` in it records what is done.
        only: name of the one stage to run; by default all of them.
        report: called with a line of text on each stage.
        options: further options, such as `-q`, for stages that are commands of this program.

    Raises:
        FolderInUseError: if another process runs stages there.
        ValueError: if there is no stage of that name, or one was done by another command.
        subprocess.CalledProcessError: if a stage fails; earlier ones remain done.
    """
    check_stage(stages, only)
    with folder_in_use(out) as lock:
        done = _done(out)
        for stage in stages:
            if stage.name in done:
                _check_same(stage, done[stage.name], out)
        for stage in _left(stages, done, only, report):
            began = time.monotonic()
            _run(stage.arguments(options), lock)
            minutes = round((time.monotonic() - began) / 60, 1)
            done[stage.name] = {"command": stage.digest, "minutes": minutes}
            write_atomically(Path(out) / STAGES_FILE, json.dumps(done, indent=2).encode())


def check_stage(stages: Sequence[Stage], only: str | None) -> None:
    """Raises a ValueError unless there is a stage with this name; None stands for all."""
    if only is not None and only not in [stage.name for stage in stages]:
        raise ValueError(
            f"Expected a stage among {', '.join(stage.name for stage in stages)}, received {only}."
        )


def _run(arguments, lock):
    """Runs a process, which keeps the folder's lock if this process is killed."""
    try:
        errors = sys.stderr.fileno()  # not that of this process, if its libraries are silenced
    except (AttributeError, OSError):
        errors = None
    kept = () if sys.platform == "win32" else (lock.fileno(),)
    subprocess.run(arguments, check=True, stderr=errors, pass_fds=kept)


def _left(stages, done, only, report) -> Iterator[Stage]:
    """Yields the stages to be run, and reports each."""
    for number, stage in enumerate(stages, 1):
        title = f"stage {number} of {len(stages)}, {stage.name}"
        if stage.name in done:
            report(f"{title}: done in {done[stage.name]['minutes']} minutes")
        elif only in (None, stage.name):
            report(f"{title}: some {stage.minutes:g} minutes on two cores")
            yield stage


def _stage(entry, lists):
    """Returns the stage of an entry, with names instead of paths."""
    name = entry["name"]
    for given in (entry["command"], *lists.values()):
        if not isinstance(given, list):
            raise ValueError(f"a command is a list of texts, received {given!r}")
    command: list[str] = []
    for argument in entry["command"]:
        command += lists[argument[1:]] if argument.startswith("@") else [argument]
    if not (isinstance(name, str) and command and all(isinstance(text, str) for text in command)):
        raise ValueError(f"a stage has a name and a command of texts, received {entry}")
    return Stage(name, tuple(command), float(entry.get("minutes", 0)))


def _done(out):
    """Returns the record of the stages that are done."""
    path = Path(out) / STAGES_FILE
    if not path.exists():
        return {}
    try:
        done = json.loads(read_file(path))
        return {
            name: {"command": str(stage["command"]), "minutes": float(stage["minutes"])}
            for name, stage in done.items()
        }
    except _NOT_AS_WRITTEN as error:
        raise ValueError(f"{path}: expected which stages are done ({error}).") from error


def _check_same(stage, done, out):
    """Raises a ValueError if a stage was done by another command."""
    if done["command"] != stage.digest:
        raise ValueError(
            f"{out}: the stage {stage.name} was done by another command than "
            f"`{' '.join(stage.command)}`. Take another folder, or remove that stage's result and "
            f"its entry in {STAGES_FILE}."
        )
