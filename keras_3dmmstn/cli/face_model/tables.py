"""How good a face model is, as rows of a table."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.table import Table

from keras_3dmmstn.cli import terminal

if TYPE_CHECKING:
    import numpy as np

    from keras_3dmmstn.mesh.feature_layout import FeatureLayout
    from keras_3dmmstn.mesh.quality import Distortion

Row = tuple[str, str]


def distortion_rows(distortion: "Distortion") -> list[Row]:
    """Describes the distortion of a flattening."""
    d = distortion
    return [
        ("flipped triangles", str(d.flipped)),
        ("angle distortion σ₁/σ₂, mean and 95 %", f"{d.angle_mean:.3f}  {d.angle_95:.3f}"),
        ("area distortion, mean and 95 %", f"{d.area_mean:.3f}  {d.area_95:.3f}"),
    ]


def mirror_rows(errors: "np.ndarray") -> list[Row]:
    """Describes how far the mean face is from its reflection."""
    return [("mirror error, mean and largest", f"{errors.mean():.2f}  {errors.max():.2f} mm")]


def layout_rows(layout: "FeatureLayout") -> list[Row]:
    """Describes how much room the texture gives to eyes, nose and mouth."""
    rows = [
        (f"{name} / outer eye distance, texture and face", f"{texture:.3f}  {face:.3f}")
        for name, (texture, face) in layout.widths.items()
    ]
    rows += [(f"mean cell inside the {n}", f"{a:.2f} mm²") for n, a in layout.cell_areas.items()]
    spread = f"{layout.median_area:.2f} mm²  {layout.area_95:.2f}  {layout.area_largest:.1f} times"
    return [*rows, ("median cell, 95 % and largest", spread)]


def print_rows(rows: Iterable[Row]) -> None:
    """Prints names and values, one pair per line."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in rows:
        table.add_row(name, value)
    terminal.output.print(table)
