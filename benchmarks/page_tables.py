"""The tables of the page of results."""

from collections.abc import Mapping
from typing import Any

from growth import along_axis, bases, exponent

#: The comparisons that the page begins with, by record and how their names begin.
HEADLINES = (
    ("mobile", "exported network"),
    ("photographs", "face in a given box"),
    ("photographs", "photograph of"),
    ("sampler", "sampler, fitted face"),
    ("operators", "sample_bilinear"),
    ("network", "whole network"),
    ("network", "training step"),
    ("input_pipeline", "input pipeline, a batch, processor's time"),
)

#: A ratio above this counts as lost, if its lower quartile is above 1.
LOST = 1.05


def where_measured(records):
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
    yield table(("benchmark", "threads", "commit", "when", "load before"), rows)


def headlines(records):
    """Yields a row for each ratio of the comparisons of `HEADLINES` at their base sizes."""
    for record, start in HEADLINES:
        for comparison in bases(records.get(record, {"comparisons": []})["comparisons"]):
            if comparison["name"].startswith(start):
                for entry in comparison["ratios"]:
                    yield comparison["name"], entry["ours"], entry["peer"], _ratio(entry)


def losses(records):
    """Yields the sentence and the table of the peers that are faster, the fastest first."""
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
        f"In {won} of {len(ratios)} comparisons our code is faster, in {len(lost)} the peer is. In "
        f"the other {len(ratios) - won - len(lost)} neither is: the quartiles lie on both sides of "
        f"1, or the ratio differs from 1 by less than {LOST - 1:.0%}."
    )
    if lost:
        rows = (
            (c["name"], _size(c), entry["ours"], entry["peer"], _ratio(entry)) for c, entry in lost
        )
        yield table(("", "size", "ours", "peer", "ours / peer"), rows)


def is_lost(ratio: Mapping[str, Any]) -> bool:
    """Returns whether a ratio says that the peer is faster."""
    return ratio["median"] > LOST and ratio["quartiles"][0] > 1


def times_table(record):
    """Returns the table of a record's comparisons at their base sizes."""
    chosen = bases(record["comparisons"])
    calls = list(dict.fromkeys(call for comparison in chosen for call in comparison["times"]))
    rows = []
    for comparison in chosen:
        times = [comparison["times"].get(call) for call in calls]
        cells = [f"{number(t['median_ms'])} ({number(t['iqr_ms'])})" if t else "" for t in times]
        rows.append((comparison["name"], _size(comparison), *cells, _all_ratios(comparison)))
    return table(("", "size", *calls, "ours / peer"), rows)


def growth_tables(records):
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
            yield table(("", "calls", *(str(v) for v in values), "p"), rows)


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


def table(head, rows):
    """Returns a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines)
