"""Writes the page of results from what the benchmarks wrote.

python benchmarks/page.py [--record]

Reads build/benchmarks and writes its page there; with `--record` it reads benchmarks/results/suite
and writes docs/benchmarks.md.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from growth_figure import draw_growth
from page_tables import growth_tables, headlines, losses, table, times_table, where_measured
from recording import ROOT, SUITE, UNRECORDED_SUITE, add_record_option
from table import BENCHMARKS

PAGE = ROOT / "docs/benchmarks.md"
UNRECORDED_PAGE = ROOT / "build/benchmarks/benchmarks.md"

Record = Mapping[str, Any]


def write_page(results: Path, page: Path) -> None:
    """Writes the page, and its figure in `figures/` beside it."""
    records = read_records(results)
    figure = page.parent / "figures/benchmark_growth.png"
    figure.parent.mkdir(parents=True, exist_ok=True)
    draw_growth(records, figure)
    page.write_text(as_page(records), encoding="utf-8")


def read_records(folder: Path) -> dict[str, Record]:
    """Returns name to record of a folder, in the order of the page."""
    names = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    known = [name for name in BENCHMARKS if name in names]
    return {name: names[name] for name in [*known, *(n for n in names if n not in known)]}


def as_page(records: Mapping[str, Record]) -> str:
    """Returns the page in Markdown."""
    parts = [
        _INTRODUCTION,
        *where_measured(records),
        "## In short",
        _IN_SHORT,
        table(("", "ours", "peer", "ours / peer"), headlines(records)),
        "## Where we lose",
        *losses(records),
        "## All of it",
        _ALL,
    ]
    for record in records.values():
        parts += [f"### {record['title'].removesuffix('.')}", times_table(record)]
    parts += ["## How it grows", _GROWTH, *growth_tables(records)]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """\
# Benchmarks

`make bench` measures all of this and writes this page; `make bench-quick` takes a few minutes and
writes a rough one to `build/benchmarks`. Nothing on it is typed by hand: `benchmarks/page.py` makes
it from the records in `benchmarks/results/suite`.

Each benchmark is a process of its own. The calls of a comparison take turns after a warm-up, so
that whatever else the machine does hits all alike. A time is the median of the rounds in
milliseconds, with the interquartile range in brackets. A ratio is the median of the ratios of the
single rounds, with their quartiles: below 1 we are faster."""

_IN_SHORT = "At the base size of each benchmark."

_ALL = """\
Times in milliseconds: median (interquartile range). In the last column, our time divided by the
peer's; **bold** where we lose. "Autodiff" is the same operator in plain TensorFlow without a
hand-written gradient."""

_GROWTH = """\
One axis at a time, everything else as in the first table of each benchmark. Medians in
milliseconds; several calls are divided by a stroke. The exponent p is that of the fit t ~ nᵖ, with
n the images of a batch, the points of a grid, the pixels of an image or the modes of a face model:
1 is proportional, 0 does not grow.

![Time against batch, grid, image size and modes](figures/benchmark_growth.png)"""


def main():
    """Writes the page from what is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_record_option(parser)
    record = parser.parse_args().record
    page = PAGE if record else UNRECORDED_PAGE
    write_page(SUITE if record else UNRECORDED_SUITE, page)
    print(page)


if __name__ == "__main__":
    main()
