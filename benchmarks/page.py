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
        "## Where others are faster",
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

`make bench` measures all of this. It writes its results and a page like this one to
`build/benchmarks`; `make bench-record` updates this page. `make bench-quick` takes a few minutes
and gives rough numbers. Nothing here is typed by hand: `benchmarks/page.py` writes the page from
the records in `benchmarks/results/suite`. [speed.md](speed.md) has the main results.

Each benchmark runs in a process of its own. After a warm-up, the calls of a comparison take turns,
so that anything else the machine does affects them all alike. A time is the median of the rounds in
milliseconds, with the interquartile range in brackets. A ratio is the median of the ratios of the
single rounds, with their quartiles. Below 1, our code is faster. Masks are by normals unless a name
says otherwise."""

_IN_SHORT = "Each comparison at the base size of its benchmark."

_ALL = """\
Times in milliseconds: median (interquartile range). The last column divides our time by the peer's;
**bold** means that the peer is faster. "Autodiff" is the same operator in plain TensorFlow, without
a hand-written gradient."""

_GROWTH = """\
One axis changes at a time, and everything else stays as in the first table of each benchmark.
Medians in milliseconds; a stroke separates several calls. The exponent p is that of the fit t ~ nᵖ,
where n is the number of images in a batch, points of a grid, pixels of an image, or modes or
vertices of a face model. With p = 1 the time is proportional to n, with p = 0 it does not grow.

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
