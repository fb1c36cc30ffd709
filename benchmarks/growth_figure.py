"""Draws how the times grow, on logarithmic axes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from growth import along_axis

AXES = {
    "batch": "images in a batch",
    "grid": "side of the grid",
    "image": "side of the image, pixels",
    "modes": "modes of the face model",
}

#: What is drawn: name of the comparison, and of the call.
LINES = {
    ("training step", "graph"): "training step",
    ("whole network, forward", "graph"): "whole network, forward",
    ("input pipeline, a batch", "crops in memory"): "input pipeline",
    ("sample_bilinear, forward and backward", "XLA"): "sampler with gradient, XLA",
    ("sample_bilinear, forward and backward", "torch grid_sample"): "sampler with gradient, torch",
    ("shape_from_coefficients, forward and backward", "XLA"): "face model with gradient, XLA",
    ("exported formats", "TFLite float32"): "TFLite float32, one image",
    ("re-mesh", "ours"): "re-mesh",
}


def draw_growth(records: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draws a panel for each axis, time against size.

    Args:
        records: what the benchmarks recorded, by name.
        path: the picture to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(AXES), figsize=(12, 4.2), sharey=True)
    colours = dict(zip(LINES, pyplot.cm.tab10.colors, strict=False))
    comparisons = [c for record in records.values() for c in record["comparisons"]]
    for panel, (axis, label) in zip(panels, AXES.items(), strict=True):
        for line in along_axis(comparisons, axis):
            for (name, call), colour in colours.items():
                if line[0]["name"] == name and all(call in c["times"] for c in line):
                    sizes = [c["size"][axis] for c in line]
                    times = [c["times"][call]["median_ms"] for c in line]
                    panel.loglog(sizes, times, "o-", color=colour, label=LINES[name, call], ms=4)
        ticks = sorted({round(x) for line in panel.lines for x in line.get_xdata()})
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.minorticks_off()
        panel.set_xlabel(label)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("milliseconds")
    named = {
        text: line
        for panel in panels
        for line, text in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    if named:
        figure.legend(named.values(), named.keys(), loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.14, 1, 1))
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
