"""Runs the benchmarks that need no outside data, and writes the page of results.

python benchmarks/suite.py [--quick] [--only NAME ...] [--results FOLDER] [--page FILE]

Each benchmark is a process of its own, since TensorFlow's threads are set before it begins.
`--quick` takes a few minutes, measures base sizes alone and writes to build/benchmarks.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from page import write_page
from table import BENCHMARKS
from timing import RESULTS, ROOT

QUICK = ROOT / "build/benchmarks"


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
    parser.add_argument("--results", type=Path)
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    results = arguments.results or (QUICK if arguments.quick else RESULTS)
    page = arguments.page or (QUICK if arguments.quick else ROOT / "docs") / "benchmarks.md"
    worked = [run(name, results, arguments.quick) for name in arguments.only]
    write_page(results, page)
    print(page)
    sys.exit(not all(worked))


if __name__ == "__main__":
    main()
