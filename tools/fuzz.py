"""Reads mutants of valid files in child processes, and prints the outcomes.

A child gets two gigabytes beyond what it uses at its start, and twenty seconds per file. A crash,
an exception other than ValueError, and a ValueError that does not name the file are failures; so
is more than 300 MB of memory for a file. The exit status is 1 if there are any.

    python tools/fuzz.py --mutants 300 [--only "h5"] [--seed 1]
"""

import argparse
import collections
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from tests.support.network_files import NETWORK_FILES
from tests.support.outside_file import OutsideFile
from tests.support.outside_files import write_outside_files

_MEMORY, _MUCH = 2 << 30, 300 << 20
_SECONDS = 20
_FINE = ("value", "named ValueError")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=300, help="of each kind of file")
    parser.add_argument(
        "--only", default="", help="the kind of this name, or those whose names hold it"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the files that failed")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return child(*arguments.child, arguments.seed, arguments.mutants)
    with tempfile.TemporaryDirectory() as folder:
        kinds = [*write_outside_files(Path(folder)), *NETWORK_FILES]
    if arguments.only in kinds:
        kinds = [arguments.only]
    kinds = [kind for kind in kinds if arguments.only in kind]
    print(f"{'kind':24}{'value':>8}{'refused':>9}  failures")
    failed = 0
    for kind in kinds:
        outcomes = _outcomes(kind, arguments)
        others = {name: count for name, count in outcomes.items() if name not in _FINE}
        failed += sum(others.values())
        told = ", ".join(f"{count} {name}" for name, count in sorted(others.items())) or "none"
        print(f"{kind:24}{outcomes[_FINE[0]]:8}{outcomes[_FINE[1]]:9}  {told}", flush=True)
    return int(failed > 0)


def _outside_file(kind: str, folder: Path) -> OutsideFile:
    """Writes the valid file of a kind."""
    if kind in NETWORK_FILES:
        return NETWORK_FILES[kind](folder)
    return write_outside_files(folder)[kind]


def _outcomes(kind, arguments):
    """Counts what came of the mutants of a kind, in as many children as it takes."""
    outcomes: collections.Counter[str] = collections.Counter()
    done = 0
    while done < arguments.mutants:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--seed", str(arguments.seed)]
            command += ["--mutants", str(arguments.mutants), "--child", kind, folder, str(done)]
            run = _run(command)
            told = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("[")]
            outcomes.update(outcome for _, outcome in told)
            for number, outcome in told:
                if outcome not in _FINE:
                    _keep(arguments, kind, number, outcome)
            done = told[-1][0] + 1 if told else done
            if run.returncode:
                if run.returncode > 0 and done < arguments.mutants:
                    raise RuntimeError(run.stderr[-2000:])
                outcome = f"signal {-run.returncode}"
                if -run.returncode == signal.SIGALRM:
                    outcome = f"more than {_SECONDS} s"
                outcomes[outcome] += 1
                _keep(arguments, kind, done, outcome)
                done += 1
    return outcomes


def _run(command):
    """Runs a child, and ends what it has started if it was killed."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    text = {"text": True, "errors": "replace"}  # libraries print what they read
    with subprocess.Popen(command, start_new_session=True, **pipes, **text) as child:
        try:
            stdout, stderr = child.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, child.returncode, stdout, stderr)


def _keep(arguments, kind, number, outcome):
    """Writes a mutant that failed."""
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            path, _, mutant = _outside_file(kind, Path(folder))
            name = f"{kind}-{number}-{outcome}"[:100].replace(" ", "_").replace("/", "_")
            content = mutant(path.read_bytes(), np.random.default_rng([arguments.seed, number]))
            (arguments.keep / f"{name}{path.suffix}").write_bytes(content)


def child(kind: str, folder: str, first: str, seed: int, mutants: int) -> int:
    """Reads mutants from the number `first` on, and prints number and outcome of each."""
    warnings.simplefilter("error")
    # third parties' own, as in the tests
    warnings.filterwarnings("ignore", ".*np\\.object.*", FutureWarning)
    libraries = "(tensorflow|keras|google|flatbuffers|igl)"
    warnings.filterwarnings("ignore", "", DeprecationWarning, libraries)
    warnings.filterwarnings("ignore", ".*__array__.*copy keyword.*", DeprecationWarning)
    path, read, mutant = _outside_file(kind, Path(folder))
    whole = path.read_bytes()
    read()  # what the reader imports is not the file's memory
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(
        resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + _MEMORY, resource.RLIM_INFINITY)
    )
    for number in range(int(first), mutants):
        path.write_bytes(mutant(whole, np.random.default_rng([seed, number])))
        signal.alarm(_SECONDS)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome = _outcome(path, read)
        signal.alarm(0)
        if (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 > _MUCH:
            outcome = "much memory"
        print(json.dumps([number, outcome]), flush=True)
    return 0


def _outcome(path, read):
    """Returns what comes of reading a file."""
    start = time.perf_counter()
    try:
        read()
    except ValueError as error:
        outcome = "named ValueError" if path.name in str(error) else "ValueError without the file"
    except Exception as error:
        outcome = type(error).__name__
    else:
        outcome = "value"
    return "slow" if time.perf_counter() - start > _SECONDS / 2 else outcome


if __name__ == "__main__":
    sys.exit(main())
