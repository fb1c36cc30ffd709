"""The command line of an experiment, and where it writes its results."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RECORDED = FOLDER / "results"
UNRECORDED = FOLDER.parent / "build/experiments"


def experiment_parser(description: str) -> argparse.ArgumentParser:
    """Returns a parser of the command line that knows the option `--record`.

    Args:
        description: `__doc__` of the script.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument(
        "--record",
        action="store_true",
        help="write to experiments/results, which is committed, not to build/experiments",
    )
    return parser


def results_file(name: str, record: bool) -> Path:
    """Returns the file for the results of an experiment; its folder is made."""
    folder = RECORDED if record else UNRECORDED
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def read_results(path: Path) -> dict[str, Any]:
    """Returns the results of a file, or nothing if there is none yet."""
    return json.loads(path.read_text()) if path.exists() else {}


def write_results(path: Path, results: Mapping[str, Any]) -> None:
    """Writes results as JSON."""
    path.write_text(json.dumps(results, indent=1) + "\n")
