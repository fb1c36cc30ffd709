"""Where a benchmark writes: to build/benchmarks, or with `--record` to benchmarks/results."""

import argparse
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECORDED = Path(__file__).parent / "results"
UNRECORDED = ROOT / "build/benchmarks"
#: The results of the suite, from which `page.py` makes its page.
SUITE, UNRECORDED_SUITE = RECORDED / "suite", UNRECORDED / "suite"


def add_record_option(parser: argparse.ArgumentParser) -> None:
    """Adds the option `--record` to the command line of a script."""
    parser.add_argument(
        "--record",
        action="store_true",
        help="write to benchmarks/results, which is committed, not to build/benchmarks",
    )


def results_file(name: str, record: bool) -> Path:
    """Returns the file for the results of a benchmark; its folder is made."""
    path = (RECORDED if record else UNRECORDED) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
