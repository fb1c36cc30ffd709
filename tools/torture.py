"""Kills commands at random while they write, runs them again, and prints the outcomes.

Each command is run once undisturbed. Then it is started repeatedly in its own folder and killed
each time (SIGKILL, with its children) at a moment between its start and its usual end; if it has
workers, one of them is killed first. After each kill, every file that is not hidden must be intact.
Finally it runs to its end: the folder must contain the files of the undisturbed run and no others,
equal byte for byte or by their numbers.

    python tools/torture.py --kills 20 [--only train] [--seed 1] [--keep FOLDER]

Exit status 1 if a file is broken, left over, missing or different, or if a last run fails.
"""

import argparse
import contextlib
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.results_of_commands import content, difference
from tests.support.torture_inputs import write_inputs

_COMMAND = (sys.executable, "-m", "keras_3dmmstn")


@dataclass(frozen=True)
class Job:
    """A command that writes files.

    Attributes:
        name: what the table calls it.
        arguments: of `keras-3dmmstn`; `{inputs}` and `{out}` stand for the folders.
        changing: keys and columns of its files that differ between two undisturbed runs.
        workers: a part of the command line of its workers, one of which is killed, too.
        needs: a module without which it is left out.
    """

    name: str
    arguments: str
    changing: Sequence[str] = ()
    workers: str = ""
    needs: str = "keras_3dmmstn"

    def command(self, inputs: Path, out: Path) -> list[str]:
        """Returns the command that reads and writes these folders."""
        words = self.arguments.split()
        return [*_COMMAND, *(word.format(inputs=inputs, out=out) for word in words)]


JOBS = (
    Job("data convert", "data convert {inputs}/faces --out {out}/shards --size 160"),
    Job("data turn", "data turn {inputs}/faces --out {out}/turned --size 128 --copies 2"),
    Job("face-model build", "face-model build {inputs}/face.npz --kind npz --out {out}/grid.npz"),
    Job("normalise", "normalise {inputs}/photographs --out {out}/faces --front --texture-size 224"),
    Job(
        "meshes and table",
        "normalise {inputs}/photographs --out {out}/faces --mesh glb --mesh obj --no-overlay"
        " --table {out}/faces.csv",
    ),
    Job(
        "data set",
        "normalise {inputs}/photographs --out {out}/faces --engine here --shard-size 2"
        " --format tfrecord",
    ),
    Job(
        "data set on Ray",
        "normalise {inputs}/photographs --out {out}/faces --engine ray --shard-size 1 --workers 2",
        workers="ShardWorker",
        needs="ray",
    ),
    Job("video", "video {inputs}/clip.mp4 --out {out}/video"),
    Job("fuse", "fuse {inputs}/photographs --out {out}/person --texture-size 256"),
    Job("export", "export --to tflite --out {out}/network"),
    Job(
        "train",
        "train {inputs}/faces --validation {inputs}/faces --out {out}/run --recipe compact"
        " --epochs 3 --batch-size 16 --set checkpoint_steps=1",
        changing=("seconds", "starts", "progress"),  # times; log.csv has the rest of the last
    ),
)


@dataclass
class Findings:
    """What the kills of a job did."""

    kills: int = 0
    broken: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)

    def __str__(self):
        told = [f"broken: {name}" for name in sorted(self.broken)] + self.others
        return "; ".join(told) or "equal, nothing left over"

    def __bool__(self):
        return bool(self.broken or self.others)


def main() -> int:
    """Runs the campaign and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--only", default="", help="commands whose name holds this")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for what the commands wrote")
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        inputs = folder / "inputs"
        write_inputs(inputs)
        print(f"{'command':20}{'seconds':>9}{'kills':>7}  after them")
        for number, job in enumerate(JOBS):
            if arguments.only in job.name and importlib.util.find_spec(job.needs):
                rng = random.Random(1000 * arguments.seed + number)
                seconds, findings = torture(job, inputs, folder, arguments.kills, rng)
                print(f"{job.name:20}{seconds:9.1f}{findings.kills:7}  {findings}", flush=True)
                failed |= bool(findings)
    return int(failed)


def torture(job: Job, inputs: Path, folder: Path, kills: int, rng: random.Random):
    """Returns how long a command takes undisturbed, and what the kills did."""
    whole, killed = (folder / job.name.replace(" ", "-") / name for name in ("whole", "killed"))
    for out in (whole, killed):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
    start = time.perf_counter()
    subprocess.run(job.command(inputs, whole), check=True, capture_output=True)
    seconds = time.perf_counter() - start
    findings = Findings()
    while findings.kills < kills:
        hit = _killed(job.command(inputs, killed), rng.uniform(0, seconds), job.workers)
        findings.kills += hit
        findings.broken |= _broken(killed)
        if not hit or not (findings.broken or difference(whole, killed, job.changing)):
            shutil.rmtree(killed)  # everything was written: such a run is not begun again
            killed.mkdir()
    last = subprocess.run(job.command(inputs, killed), capture_output=True, text=True)
    if last.returncode:
        findings.others.append(f"exit status {last.returncode}: {last.stderr.strip()[-300:]}")
    findings.others += difference(whole, killed, job.changing)
    return seconds, findings


def _killed(command, seconds, workers):
    """Starts a command and kills it after some seconds; says whether it was still running.

    One of its workers, if it has any by then, is killed after three quarters of them.
    """
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        if workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.75 * seconds)
            _kill_one(process.pid, workers)
            seconds *= 0.25
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def _kill_one(process, workers):
    """Kills the first of the processes below one whose command line has a text (Linux)."""
    parents, found = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int(
                (folder / "stat").read_text().rsplit(")")[-1].split()[1]
            )
            if workers in (folder / "cmdline").read_text():
                found.append(int(folder.name))
    for number in found:
        ancestor = number
        while ancestor in parents and ancestor != process:
            ancestor = parents[ancestor]
        if ancestor == process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
            return


def _broken(folder):
    """Returns the names of the files that are not whole; hidden ones are not looked at."""
    broken = set()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            try:
                content(path)
            except Exception as error:
                broken.add(f"{name} ({type(error).__name__})")
    return broken


if __name__ == "__main__":
    sys.exit(main())
