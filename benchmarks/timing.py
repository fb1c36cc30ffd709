"""Times calls side by side in one run, and records where they ran.

A benchmark of the suite is a script whose `main` is

    run = Run.from_command_line(__doc__, __file__)
    run.compare("what is done", ours={...}, peers={...}, **size)
    run.write()

The calls of one comparison take turns, so that other work on the machine affects all of them alike;
a ratio is the median of the ratios of the individual rounds.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import environment, set_threads
from recording import add_record_option, results_file

WARM_UP = 3  # calls, of which the first may compile; fewer if they take long
FEWEST_ROUNDS, MOST_ROUNDS = 5, 1000

Calls = Mapping[str, Callable[[], object]]


class Run:
    """One benchmark: how long it may take, and what it measured.

    Attributes:
        quick: whether a rough answer will do.
        comparisons: what was measured, ready for JSON.
        arguments: what the command line said.
    """

    def __init__(self, title: str, threads: int, out: Path, quick: bool = False):
        self.title, self.threads, self.out, self.quick = title, threads, out, quick
        self.comparisons: list[dict[str, Any]] = []
        self.arguments = argparse.Namespace()
        self._load = os.getloadavg()[0]

    @classmethod
    def from_command_line(
        cls, description: str, file: str, threads: int = 2, **arguments: Any
    ) -> "Run":
        """Reads `--threads`, `--quick`, `--record` and `--out`, and sets all libraries' threads.

        Args:
            description, file: `__doc__` and `__file__` of the script.
            threads: if none are given.
            arguments: name and `add_argument` options of what else the script takes; they are
                `run.arguments`.
        """
        title, name = description.splitlines()[0], Path(file).stem
        parser = argparse.ArgumentParser(description=title)
        for argument, options in arguments.items():
            parser.add_argument(argument, **options)
        parser.add_argument("--threads", type=int, default=threads)
        parser.add_argument("--quick", action="store_true", help="a rough answer")
        add_record_option(parser)
        parser.add_argument("--out", type=Path, help="another file for the results")
        given = parser.parse_args()
        set_threads(given.threads)
        out = given.out or results_file(f"suite/{name}.json", given.record)
        run = cls(title, given.threads, out, given.quick)
        run.arguments = given
        return run

    def compare(
        self,
        name: str,
        ours: Calls,
        peers: Calls | None = None,
        seconds: float = 0.5,
        clock: Callable[[], float] | None = None,
        **size: int,
    ) -> None:
        """Times calls that take turns, prints and keeps what came out.

        Args:
            name: what all the calls do.
            ours: calls of this package, by name.
            peers: what they are compared with, by name. One called "..., graph" is compared with
                our "graph" alone, if there is one.
            seconds: how long all of them may take together, after the warm-up.
            clock: what they are timed with, in seconds; wall time by default.
            size: of the data, such as `batch=16`.
        """
        peers = peers or {}
        seconds = seconds / 5 if self.quick else seconds
        samples = interleaved({**ours, **peers}, seconds, clock=clock)
        self.keep(name, samples, list(ours), list(peers), **size)

    def keep(
        self,
        name: str,
        samples: Mapping[str, np.ndarray],
        ours: Sequence[str],
        peers: Sequence[str] = (),
        **size: int,
    ) -> None:
        """Prints and keeps times that were taken elsewhere.

        Args:
            samples: milliseconds of each round, `(rounds,)`, by name.
            ours, peers: the names of our calls and of what they are compared with.
            name, size: as of `compare`.
        """
        comparison = {
            "name": name,
            "size": size,
            "rounds": len(next(iter(samples.values()))),
            "times": {call: described(values) for call, values in samples.items()},
            "ratios": [
                {"ours": our, "peer": peer, **ratio(samples[our], samples[peer])}
                for our in ours
                for peer in peers
                if is_comparable(our, peer, ours)
            ],
        }
        self.comparisons.append(comparison)
        print(as_text(comparison), flush=True)

    def write(self) -> None:
        """Writes what was measured, and where, as JSON."""
        record = {
            "title": self.title,
            "quick": self.quick,
            "environment": environment(self.threads, self._load),
            "comparisons": self.comparisons,
        }
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.out.write_text(json.dumps(record, indent=1) + "\n")
        print(self.out)


def interleaved(
    calls: Calls,
    seconds: float,
    warm_up: int = WARM_UP,
    clock: Callable[[], float] | None = None,
) -> dict[str, np.ndarray]:
    """Times calls in rounds; in each round every call is made once.

    Each round begins with another call, so that none always follows the same other one.

    Args:
        calls: what to time, by name.
        seconds: after which no further round begins.
        warm_up: calls of each that are not timed; after `seconds`, no further one.
        clock: what they are timed with, in seconds; wall time by default.

    Returns:
        Milliseconds of each round, `(rounds,)`, by name.
    """
    clock = clock or time.perf_counter
    for call in calls.values():
        end = time.perf_counter() + seconds
        for number in range(warm_up):
            if number == 0 or time.perf_counter() < end:
                call()
    names = list(calls)
    rounds: list[dict[str, float]] = []
    end = time.perf_counter() + seconds
    while len(rounds) < FEWEST_ROUNDS or (time.perf_counter() < end and len(rounds) < MOST_ROUNDS):
        first = len(rounds) % len(names)
        passed = {}
        for name in names[first:] + names[:first]:
            start = clock()
            calls[name]()
            passed[name] = 1e3 * (clock() - start)
        rounds.append(passed)
    return {name: np.array([passed[name] for passed in rounds]) for name in names}


def described(milliseconds: np.ndarray) -> dict[str, float]:
    """Returns the median, the smallest and the interquartile range of some times."""
    low, median, high = np.quantile(milliseconds, (0.25, 0.5, 0.75))
    values = {"median_ms": median, "smallest_ms": milliseconds.min(), "iqr_ms": high - low}
    return {name: rounded(value) for name, value in values.items()}


def ratio(ours: np.ndarray, peer: np.ndarray) -> dict[str, Any]:
    """Returns the median and the quartiles of the ratios of the rounds."""
    low, median, high = np.quantile(ours / peer, (0.25, 0.5, 0.75))
    return {"median": rounded(median), "quartiles": [rounded(low), rounded(high)]}


def rounded(value: float) -> float:
    """Returns a number with four digits, as many as a clock is worth."""
    return float(f"{value:.4g}")


def is_comparable(our: str, peer: str, ours: Sequence[str]) -> bool:
    """Returns whether a peer is not meant for another one of our calls: "..., XLA" for "XLA"."""
    kind = peer.rpartition(", ")[2]
    return kind == our or kind not in ours


def as_text(comparison: Mapping[str, Any]) -> str:
    """Returns the lines that are printed for a comparison."""
    size = ", ".join(f"{key} {value}" for key, value in comparison["size"].items())
    lines = [f"{comparison['name']} ({size or 'one size'}; {comparison['rounds']} rounds)"]
    for call, passed in comparison["times"].items():
        against = ", ".join(
            f"{entry['median']:.2f} of {entry['peer']}"
            for entry in comparison["ratios"]
            if entry["ours"] == call
        )
        lines.append(
            f"  {call:34} {passed['median_ms']:9.3f} ms  (smallest {passed['smallest_ms']:.3f}, "
            f"IQR {passed['iqr_ms']:.3f})  {against}".rstrip()
        )
    return "\n".join(lines)
