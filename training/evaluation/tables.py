"""The numbers of a measurement as tables for the terminal."""

from typing import Any

from rich.table import Table

from keras_3dmmstn.mesh.landmark_sets import MIRROR

# Landmarks in a row of their table.
_IN_A_ROW = 5


def summary_table(name: str, description: dict[str, Any]) -> Table:
    """Returns a table of the groups of points, for a description by `describe`."""
    title = f"{name}: {description['faces']} faces"
    if description["skipped"]:
        title += f", {len(description['skipped'])} skipped"
    table = _table(title, "", "% of √(w·h)", "", "", "px at 224", "", "")
    table.add_row("", *["mean", "median", "std"] * 2)
    for group, values in _distinct(description["points"]).items():
        numbers = [
            values[unit][key]
            for unit in ("percent", "pixels")
            for key in ("mean", "median", "standard_deviation")
        ]
        table.add_row(group, *map(_number, numbers))
    return table


def yaw_table(description: dict[str, Any]) -> Table:
    """Returns a table of the bins of |yaw|, with the unweighted mean over them.

    If yaw is labelled, it has the mean error of |yaw|, and how much |yaw| is too large on average.
    """
    bins = description["yaw_bins"]
    columns = ["faces", "% of √(w·h)", "px at 224"]
    if bins["source"] != "fitted":
        columns += ["|yaw| off by, °", "too large by, °"]
    table = _table("", f"|yaw| ({bins['source']})", *columns)
    for row in bins["bins"]:
        label = f"{row['from']}°–{row['to']}°"
        numbers = [row[key] for key in ("percent", "pixels", "yaw_error", "yaw_too_large")]
        table.add_row(label, str(row["faces"]), *map(_number, numbers[: len(columns) - 1]))
    means = bins["unweighted_mean"]
    table.add_row("unweighted mean", "", _number(means["percent"]), _number(means["pixels"]))
    return table


def landmark_table(description: dict[str, Any]) -> Table:
    """Returns a table of the errors of the individual landmarks, several in a row."""
    columns = [f"+{column}" for column in range(_IN_A_ROW)]
    table = _table("", "point: % | px", *columns)
    for name in MIRROR:
        errors = {row["point"]: row for row in description["landmarks"] if row["set"] == name}
        for first in range(0, len(MIRROR[name]), _IN_A_ROW):
            rows = [errors.get(first + column) for column in range(_IN_A_ROW)]
            if any(rows):
                cells = [f"{r['percent']:.2f} | {r['pixels']:.2f}" if r else "" for r in rows]
                table.add_row(f"{name} {first}", *cells)
    return table


def remark_lines(description: dict[str, Any]) -> list[str]:
    """Returns failures, area under the curve and robustness in words."""
    threshold, moved = description["threshold_percent"], description["moved_boxes"]
    return [
        f"failures (over {threshold:g} %): {100 * description['failure_rate']:.2f} %",
        f"area under the cumulative curve up to {threshold:g} %: "
        f"{description['area_under_curve']:.4f}",
        f"boxes moved and scaled at random: {moved['percent']:.2f} %, {moved['ratio']:.3f} times",
    ]


def _distinct(groups):
    """Leaves out the group of all points if only one set is labelled."""
    others = list(groups)[1:]  # the first is all points
    sets = [name for name in others if name != "51 inner points"]
    return {name: groups[name] for name in (others if len(sets) == 1 else groups)}


def _table(title, first, *others):
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", overflow="fold")  # no number is cut short
    return table


def _number(value):
    return "–" if value is None else f"{value:.2f}"
