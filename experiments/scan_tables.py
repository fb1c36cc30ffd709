"""What the head scans gave, as tables in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from textures_page import table

from keras_3dmmstn.training.evaluation.yaw_bins import YAW_BINS, yaw_bin

#: The heading in docs/depth.md under which the tables are.
HEADING = "## The numbers"

Record = Mapping[str, Any]


def as_tables(scans: Mapping[str, Record]) -> str:
    """Returns all tables, each with a sentence.

    Args:
        scans: names of scans to what `scans.py` measured.
    """
    parts = [
        "Yaw by how far the head is turned: mean error / mean underestimate, in degrees; negative "
        "where heads are seen as further turned than they are.",
        table(("yaw", *_titles(scans), "all"), _yaw_rows(scans)),
    ]
    for name, scan in scans.items():
        parts += [f"Each picture of {_title(name)}: yaw and pitch as fitted, in degrees."]
        pitches = sorted({pose["pitch"] for pose in scan["poses"]})
        head = ("yaw", *(f"at pitch {_signed(pitch)}" for pitch in pitches))
        parts += [table(head, _pose_rows(scan, pitches))]
    parts += [
        "The zero: yaw / pitch at which other definitions see a head that looks straight at the "
        "viewer, in degrees.",
        table(("", *_titles(scans)), _zero_rows(scans)),
        "Depth: mean distance of the scan's face from a face brought onto it, in mm.",
        table(*_depth_table(scans)),
    ]
    return "\n\n".join(parts)


def yaw_errors(poses: Sequence[Record]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns |yaw|, the error of yaw and by how much |yaw| is underestimated, degrees `(n,)`.

    Heads at yaw 0 have no side: their underestimate is NaN.
    """
    true, fitted = (np.array([pose[key] for pose in poses]) for key in ("yaw", "fitted_yaw"))
    off = (fitted - true + 180) % 360 - 180
    less = np.where(true == 0, np.nan, -off * np.sign(true))
    return np.abs(true), np.abs(off), less


def _yaw_rows(scans):
    columns = [yaw_errors(scan["poses"]) for scan in scans.values()]
    columns.append(tuple(np.concatenate(parts) for parts in zip(*columns, strict=True)))
    rows = [
        [f"{angle}°", *(_yaw_cell(column, column[0] == angle) for column in columns)]
        for angle in np.unique(columns[-1][0])
    ]
    for number, (low, high) in enumerate(YAW_BINS):
        cells = [_yaw_cell(column, yaw_bin(column[0]) == number) for column in columns]
        rows.append([f"**{low} to {high}°**", *cells])
    rows.append(["**all**", *(_yaw_cell(column, column[0] >= 0) for column in columns)])
    return rows


def _yaw_cell(column, chosen):
    _, error, less = (part[chosen] for part in column)
    if not len(error):
        return "–"
    sided = less[np.isfinite(less)]
    return f"{error.mean():.1f} / {_signed(sided.mean(), 1) if len(sided) else '–'}"


def _pose_rows(scan, pitches):
    found = {(pose["yaw"], pose["pitch"]): pose for pose in scan["poses"]}
    rows = []
    for yaw in sorted({yaw for yaw, _ in found}):
        cells = [found[yaw, pitch] for pitch in pitches]
        texts = [f"{_signed(c['fitted_yaw'])} / {_signed(c['fitted_pitch'])}" for c in cells]
        rows.append([_signed(yaw), *texts])
    return rows


def _zero_rows(scans):
    names = list(dict.fromkeys(name for scan in scans.values() for name in scan["zeros"]))
    rows = []
    for name in names:
        zeros = [scan["zeros"].get(name) for scan in scans.values()]
        cells = [
            "–" if zero is None else " / ".join("–" if a is None else _signed(a, 1) for a in zero)
            for zero in zeros
        ]
        rows.append([name, *cells])
    return rows


def _depth_table(scans):
    columns = {
        f"{_title(name)}, {kind}": distances
        for name, scan in scans.items()
        for kind, distances in scan["depth"].items()
    }
    names = next(iter(columns.values()))
    rows = [[name, *(f"{column[name]:.2f}" for column in columns.values())] for name in names]
    return ("", *columns), rows


def _titles(scans):
    return [_title(name) for name in scans]


def _title(name):
    return name.replace("_", " ")


def _signed(number, digits=0):
    """Returns a number with a true minus, and no sign where it rounds to 0."""
    text = f"{number:.{digits}f}"
    return text.replace("-", "" if float(text) == 0 else "−")
