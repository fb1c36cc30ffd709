"""Runs the benchmarks that need no outside data, and writes the page of results.

python benchmarks/suite.py [--quick] [--only NAME ...] [--record]

Writes results and page to build/benchmarks; with `--record` to benchmarks/results/suite and to
docs/benchmarks.md, which are committed. `--quick` takes a few minutes: it measures the base sizes
only. Each benchmark is a process of its own, because TensorFlow's threads must be set before it
starts.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from page import PAGE, UNRECORDED_PAGE, write_page
from recording import SUITE, UNRECORDED_SUITE, add_record_option
from table import BENCHMARKS


def run(name: str, results: Path, quick: bool) -> bool:
    """Runs one benchmark, and returns whether it worked."""
    threads = str(BENCHMARKS[name])
    command = [sys.executable, Path(__file__).with_name(f"{name}.py"), "--threads", threads]
    command += ["--out", results / f"{name}.json", *(["--quick"] if quick else [])]
    # Libraries read these when they are imported. PASSIVE: threads of OpenMP (PyTorch's) that spin
    # when they have done their part would take the core from the call that follows, and from one
    # another where anything else runs.
    threading = {
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    with tempfile.TemporaryFile("w+") as messages:
        done = subprocess.run(command, stderr=messages, env={**os.environ, **threading})
        if done.returncode:
            messages.seek(0)
            print(messages.read(), f"{name} failed.", sep="\n", file=sys.stderr)
    return done.returncode == 0


def main():
    """Runs what was asked for, then writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    add_record_option(parser)
    arguments = parser.parse_args()
    if arguments.quick and arguments.record:
        parser.error("--quick gives rough numbers, which are not recorded")
    results = SUITE if arguments.record else UNRECORDED_SUITE
    page = PAGE if arguments.record else UNRECORDED_PAGE
    worked = [run(name, results, arguments.quick) for name in arguments.only]
    write_page(results, page)
    print(page)
    sys.exit(not all(worked))


if __name__ == "__main__":
    main()
