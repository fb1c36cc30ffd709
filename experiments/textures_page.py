"""Writes the page of the textures' quality from what the experiments wrote.

python experiments/textures_page.py [--record]

Reads `textures.json` and `mean_textures.json` in build/experiments and writes the page there; with
`--record` it reads experiments/results and writes docs/texture_quality.md.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import textures_page_text as text
from experiment import FOLDER, experiment_parser, read_results, results_file

PAGE = FOLDER.parent / "docs/texture_quality.md"
LANDMARKS_IN_A_ROW = 10

Record = Mapping[str, Any]


def as_page(textures: Mapping[str, Record], means: Mapping[str, Record]) -> str:
    """Returns the page in Markdown.

    Args:
        textures: names of weights to what `textures.py` measured.
        means: names of weights to what `mean_textures.py` measured.
    """
    parts = [text.INTRODUCTION]
    for heading, sentences, rows in (
        ("What the features get", text.LAYOUT, _layout_rows),
        ("Where hand labels fall", text.LABELS, _label_rows),
        ("Background", text.BACKGROUND, _background_rows),
        ("Textures of one person", text.DIFFERENCE, _difference_rows),
        ("Telling people apart", text.VERIFICATION, _verification_rows),
    ):
        parts += [f"## {heading}", sentences, table(("", *textures), _beside(textures, rows))]
        if rows is _label_rows:
            parts += _points_tables(textures)
    parts += ["## Mean textures", text.MEANS]
    parts += [part for name, record in means.items() for part in _means_table(name, record)]
    parts += ["## A montage", text.MONTAGE]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _beside(records, rows_of):
    """Returns rows of a label and what each of some records says, "–" where it says nothing."""
    columns = [rows_of(record) for record in records.values()]
    labels = list(dict.fromkeys(label for column in columns for label in column))
    return [(label, *(column.get(label, "–") for column in columns)) for label in labels]


def _layout_rows(record):
    layout = record.get("layout")
    if not layout:
        return {}
    rows = {
        f"{name}, share of the eye distance (on the mean face)": (
            f"{width['texture']:.3f} ({width['face']:.3f})"
        )
        for name, width in layout["widths"].items()
    }
    for name, area in layout["cell_areas"].items():
        rows[f"mean cell inside the {name}, in medians"] = f"{area / layout['median_area']:.2f}"
    rows["95 % of the cells, in medians"] = f"{layout['area_95']:.2f}"
    rows["largest cell, in medians"] = f"{layout['area_largest']:.1f}"
    return rows


def _label_rows(record):
    groups = record.get("labels", {}).get("groups", {})
    return {
        "all 68" if name == "all" else name: (
            f"{g['rms']:.2f} ({g['median']:.2f}) / {g['rms_mm']:.2f} / {g['rms_share']:.2f}"
        )
        for name, g in groups.items()
    }


def _background_rows(record):
    rows = record.get("labels", {}).get("background", {})
    return {
        "all" if name == "all" else f"yaw {name}": (
            f"{100 * row['texels']:.2f} % / {100 * row['area']:.2f} % ({row['photographs']})"
        )
        for name, row in rows.items()
    }


def _pair_sets(record):
    names = {"cfp": "CFP, ", "youtube": "YouTube Faces, ", "lfw": "LFW, "}
    for part, prefix in names.items():
        for protocol, row in record.get(part, {}).items():
            yield f"{prefix}{protocol}", row


def _difference_rows(record):
    rows = {}
    for name, row in _pair_sets(record):
        d = row["difference"]
        rows[f"{name} ({row['same_pairs']} + {row['different_pairs']} pairs)"] = (
            f"{d['same_texels']:.1f} and {d['different_texels']:.1f} / "
            f"{d['same_area']:.1f} and {d['different_area']:.1f}"
        )
    return rows


def _verification_rows(record):
    return {
        f"{name}: {kind}": f"{v['auc']:.1f} / {v['eer']:.1f}"
        for name, row in _pair_sets(record)
        for kind, v in row["verification"].items()
    }


def _points_tables(textures):
    """Returns a sentence and a table of the single points for each of some weights."""
    parts = []
    for name, record in textures.items():
        if "labels" in record:
            parts += [f"Each of the 68 points, {name}, root of the mean square in texels:"]
            parts += [_points_table(record["labels"]["points"])]
    return parts


def _points_table(points):
    head = ["point", *(f"+{n}" for n in range(LANDMARKS_IN_A_ROW))]
    rows = []
    for first in range(0, len(points), LANDMARKS_IN_A_ROW):
        row = points[first : first + LANDMARKS_IN_A_ROW]
        cells = [f"{p['rms']:.1f}" if p["photographs"] else "–" for p in row]
        rows.append([str(first), *cells, *[""] * (LANDMARKS_IN_A_ROW - len(row))])
    return table(head, rows)


def _means_table(name, record):
    """Returns a sentence and a table: each person, and the mean over persons."""
    persons = record["persons"]
    kinds = [key for key in next(iter(persons.values())) if key != "photographs"]
    rows = [
        [f"{person.replace('_', ' ')} ({row['photographs']})"]
        + [_sharpness(row[kind]["energy"], row[kind]["relative_energy"]) for kind in kinds]
        for person, row in persons.items()
    ]
    averages = [
        [sum(p[kind][key] for p in persons.values()) / len(persons) for kind in kinds]
        for key in ("energy", "relative_energy")
    ]
    rows.append(["mean", *(_sharpness(*pair) for pair in zip(*averages, strict=True))])
    size = record["texture_size"]
    return [f"The {name}, at {size} × {size}:", table(("person (photographs)", *kinds), rows)]


def _sharpness(energy, relative):
    return f"{energy:.1f} / {1000 * relative:.1f}"


def main():
    """Writes the page."""
    parser = experiment_parser(__doc__)
    record = parser.parse_args().record
    names = ("textures.json", "mean_textures.json")
    textures, means = (read_results(results_file(name, record)) for name in names)
    page = PAGE if record else results_file(PAGE.name, record)
    Path(page).write_text(as_page(textures, means), encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
