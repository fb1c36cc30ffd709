"""Writes the page of results from what the benchmarks recorded.

python benchmarks/page.py [--results benchmarks/results/suite] [--page docs/benchmarks.md]
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from growth import along_axis, bases, exponent
from growth_figure import draw_growth
from table import BENCHMARKS
from timing import RESULTS, ROOT

#: The comparisons that the page begins with, by record and how their names begin.
HEADLINES = (
    ("mobile", "exported network"),
    ("sampler", "sampler, fitted face"),
    ("operators", "sample_bilinear"),
    ("network", "whole network"),
    ("network", "training step"),
    ("input_pipeline", "input pipeline, a batch, processor's time"),
)

#: A ratio above this counts as lost, if its lower quartile is above 1.
LOST = 1.05

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
        *_environment(records),
        "## In short",
        _IN_SHORT,
        _table(("", "ours", "peer", "ours / peer"), _headlines(records)),
        "## Where we lose",
        *_losses(records),
        "## All of it",
        _ALL,
    ]
    for record in records.values():
        parts += [f"### {_without_full_stop(record['title'])}", _times(record)]
    parts += ["## How it grows", _GROWTH, *_growth(records)]
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


def _environment(records):
    """Yields the tables of machine, versions and runs."""
    if not records:
        return
    first = next(iter(records.values()))["environment"]
    device = first["device"]
    yield (
        f"Measured on {device['processor']}, {device['cores']} cores, {device['memory_gb']} GB, "
        f"{', '.join(device['gpus']) or 'no GPU'}, {device['system']}; Python {first['python']}, "
        + ", ".join(f"{name} {version}" for name, version in first["versions"].items())
        + "."
    )
    rows = []
    for name, record in records.items():
        where = record["environment"]
        changed = " and changes" if where["uncommitted_changes"] else ""
        quick = " (quick)" if record["quick"] else ""
        commit = where["commit"][:10] + changed
        rows.append(
            (f"`{name}.py`{quick}", where["threads"], commit, where["date"], where["load_before"])
        )
    yield _table(("benchmark", "threads", "commit", "when", "load before"), rows)


def _headlines(records):
    """Yields a row for each ratio of the comparisons of `HEADLINES` at their base sizes."""
    for record, start in HEADLINES:
        for comparison in bases(records.get(record, {"comparisons": []})["comparisons"]):
            if comparison["name"].startswith(start):
                for entry in comparison["ratios"]:
                    yield comparison["name"], entry["ours"], entry["peer"], _ratio(entry)


def _losses(records):
    """Yields the sentence and the table of the ratios that are lost, the worst first."""
    ratios = [
        (comparison, entry)
        for record in records.values()
        for comparison in record["comparisons"]
        for entry in comparison["ratios"]
    ]
    lost = sorted(
        (pair for pair in ratios if is_lost(pair[1])), key=lambda pair: -pair[1]["median"]
    )
    won = sum(entry["median"] < 1 / LOST and entry["quartiles"][1] < 1 for _, entry in ratios)
    yield (
        f"Of {len(ratios)} ratios, {won} are won, {len(lost)} lost and "
        f"{len(ratios) - won - len(lost)} neither: their quartiles lie on both sides of 1, or they "
        f"differ from 1 by less than {LOST - 1:.0%}."
    )
    if lost:
        rows = (
            (c["name"], _size(c), entry["ours"], entry["peer"], _ratio(entry)) for c, entry in lost
        )
        yield _table(("", "size", "ours", "peer", "ours / peer"), rows)


def is_lost(ratio: Mapping[str, Any]) -> bool:
    """Returns whether a ratio says that the peer is faster."""
    return ratio["median"] > LOST and ratio["quartiles"][0] > 1


def _times(record):
    """Returns the table of a record's comparisons at their base sizes."""
    chosen = bases(record["comparisons"])
    calls = list(dict.fromkeys(call for comparison in chosen for call in comparison["times"]))
    rows = []
    for comparison in chosen:
        times = [comparison["times"].get(call) for call in calls]
        cells = [f"{number(t['median_ms'])} ({number(t['iqr_ms'])})" if t else "" for t in times]
        rows.append((comparison["name"], _size(comparison), *cells, _all_ratios(comparison)))
    return _table(("", "size", *calls, "ours / peer"), rows)


def _growth(records):
    """Yields a heading and a table for each axis."""
    axes = dict.fromkeys(
        axis
        for record in records.values()
        for comparison in record["comparisons"]
        for axis in comparison["size"]
    )
    for axis in axes:
        lines = [
            line for record in records.values() for line in along_axis(record["comparisons"], axis)
        ]
        if lines:
            values = sorted({c["size"][axis] for line in lines for c in line})
            yield f"### With {axis}"
            rows = [_growth_row(line, axis, values) for line in lines]
            yield _table(("", "calls", *(str(v) for v in values), "p"), rows)


def _growth_row(line, axis, values):
    """Returns name, calls, a cell for each value, and exponents."""
    calls = [call for call in line[0]["times"] if all(call in c["times"] for c in line)]
    at = {c["size"][axis]: c for c in line}
    cells = [
        " / ".join(number(at[v]["times"][call]["median_ms"]) for call in calls) if v in at else ""
        for v in values
    ]
    powers = " / ".join(f"{exponent(axis, line, call):.2f}" for call in calls)
    return line[0]["name"], " / ".join(calls), *cells, powers


def _all_ratios(comparison):
    """Returns all ratios of a comparison, those that are lost in bold."""
    texts = []
    for entry in comparison["ratios"]:
        kind = entry["peer"].removesuffix(f", {entry['ours']}")
        text = f"{entry['ours']} / {kind} {entry['median']:.2f}"
        texts.append(f"**{text}**" if is_lost(entry) else text)
    return "; ".join(texts)


def _ratio(entry):
    """Returns a ratio with its quartiles, in bold if it is lost."""
    low, high = entry["quartiles"]
    median = f"{entry['median']:.2f}"
    return f"{f'**{median}**' if is_lost(entry) else median} ({low:.2f} to {high:.2f})"


def number(value: float) -> str:
    """Returns a number with three digits, large ones in full."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _size(comparison):
    """Returns the size of a comparison in words."""
    return ", ".join(f"{axis} {value}" for axis, value in comparison["size"].items())


def _table(head, rows):
    """Returns a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines)


def _without_full_stop(title):
    return title.removesuffix(".")


def main():
    """Writes the page from what is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=ROOT / "docs/benchmarks.md")
    arguments = parser.parse_args()
    write_page(arguments.results, arguments.page)
    print(arguments.page)


if __name__ == "__main__":
    main()
