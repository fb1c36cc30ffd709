"""`keras-3dmmstn export`: the network for servers and phones."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import (
    OutFolder,
    TextureSize,
    WeightsArgument,
    known_visibility,
    load_normaliser,
)
from keras_3dmmstn.cli.progress import steps

To = Annotated[str, typer.Option(help="saved-model, tflite, onnx or all.")]
Precision = Annotated[
    list[str] | None,
    typer.Option(
        help="Precision of the TensorFlow Lite files: float32, float16, dynamic (int8 weights) or "
        "integer (int8 activations too). Can be repeated. Default: all four."
    ),
]
AnyBatch = Annotated[
    bool,
    typer.Option(
        "--any-batch",
        help="Write TensorFlow Lite files, in float32 and float16, that take any number of images "
        "at a time instead of one.",
    ),
]
Visibility = Annotated[
    str | None,
    typer.Option(
        callback=known_visibility,
        help="How the mask is computed: depth, table or normals (about twice as fast on a "
        "phone). Default: as in the normaliser of the weights.",
    ),
]
Photographs = Annotated[
    list[Path] | None,
    typer.Option(
        help="Photograph to compare on, with a face in the middle, or folder of labelled "
        "photographs. Can be repeated. Integer files are also calibrated on them. A portrait and "
        "rendered faces are always compared."
    ),
]
Landmarks = Annotated[
    str | None,
    typer.Option(
        help='The landmark set, or several joined by "+", in that order. Default: ibug68, or the '
        "only set of the face model."
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace files of an earlier export. A SavedModel is always written as the next "
        "version, even without this option.",
    ),
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="File for the parity report, as JSON.")
]


def export(
    out: OutFolder,
    weights: WeightsArgument = None,
    to: To = "all",
    precision: Precision = None,
    any_batch: AnyBatch = False,
    visibility: Visibility = None,
    photographs: Photographs = None,
    landmarks: Landmarks = None,
    texture_size: TextureSize = None,
    overwrite: Overwrite = False,
    json_file: JsonFile = None,
) -> None:
    """Export the network for servers and phones, and check each file against it.

    Each exported file is run in a fresh process on the same photographs as the network. If one
    differs by more than its precision allows, nothing is written and the exit status is 1.
    """
    from keras_3dmmstn.export.artefacts import export_artefacts
    from keras_3dmmstn.export.half_moved import recover
    from keras_3dmmstn.folder_lock import folder_in_use

    with terminal.failing_on(ImportError, OSError, ValueError), folder_in_use(out):
        recover(out)
        artefacts = _planned(out, to, precision, any_batch)
        if not overwrite:
            _refuse_existing(artefacts)
        with steps(3 + 2 * len(artefacts)) as begin:
            begin("Reading the weights")
            normaliser = load_normaliser(weights)
            begin("Reading the photographs to compare on")
            images = _images(normaliser, photographs or [])
            reports = export_artefacts(
                normaliser,
                artefacts,
                images,
                landmarks or _usual_landmarks(normaliser.grid_model),
                batch=None if any_batch else 1,
                visibility=visibility,
                texture_size=texture_size,
                overwrite=overwrite,
                progress=begin,
            )
    for report in reports:
        terminal.tell(report["path"])
    if not terminal.is_quiet:
        terminal.output.print(_table(reports))
    if json_file:
        _write_json(json_file, weights, len(images), reports)


def _usual_landmarks(grid_model):
    """Returns the only landmark set of a face model, `ibug68` if it has none or several."""
    names = [*grid_model.landmarks]
    return names[0] if len(names) == 1 else "ibug68"


def _planned(out, to, precision, any_batch):
    """Returns the artefacts that the options ask for."""
    from keras_3dmmstn.export.artefacts import FORMATS, planned_artefacts
    from keras_3dmmstn.export.mobile.tflite import PRECISIONS

    if to not in (*FORMATS, "all"):
        raise ValueError(f"--to expects {', '.join(FORMATS)} or all, received {to!r}.")
    if precision and to in FORMATS and to != "tflite":
        raise ValueError(
            f"--precision goes with TensorFlow Lite only: {to} is float32. Leave it out, or use "
            "--to tflite or --to all."
        )
    formats = FORMATS if to == "all" else (to,)
    precisions = precision or (["float32", "float16"] if any_batch else [*PRECISIONS])
    return planned_artefacts(out, formats, precisions)


def _refuse_existing(artefacts):
    """Raises a FileExistsError if something exists at the path of an artefact."""
    there = [path for a in artefacts for path in a.paths if path.exists() or path.is_symlink()]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise FileExistsError(
            f"Expected paths at which there is nothing, but {there[0]}{more} exist: give another "
            "--out, or --overwrite to replace them."
        )


def _images(normaliser, paths):
    """Returns the square crops to compare on, `(n, size, size, 3)` float32."""
    import numpy as np

    from keras_3dmmstn.export import comparison_photographs

    size = normaliser.image_size
    return np.concatenate(
        [
            comparison_photographs.portrait_photographs(size),
            comparison_photographs.rendered_photographs(normaliser.grid_model, size),
            *(comparison_photographs.chosen_photographs(path, size) for path in paths),
        ]
    )


def _table(reports):
    """Returns the parity reports as a table."""
    table = Table(
        title="Difference from the network: landmarks in pixels, texture in levels. "
        "Time for one image",
        caption="beyond (may be): how many landmarks are off by more than px allowed, and how many "
        "may be. A point of the jaw can become another vertex.",
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
    )
    beyond = ("px allowed", "beyond (may be)")
    sizes = ("levels", "mask", "MB", "ms", "ms, 2 threads")
    for column in ("format", "px mean", "max", *beyond, *sizes):
        table.add_column(column, no_wrap=True)
    for report in reports:
        pixels, latency = report["landmarks_px"], report["latency_ms"]
        precision = f" {report['precision']}" if report["format"] == "tflite" else ""
        table.add_row(
            f"{report['format']}{precision}",
            f"{pixels['mean']:.2g}",
            f"{pixels['max']:.2g}",
            f"{report['tolerance']['landmarks']:g}",
            f"{report['landmarks_beyond']:.2%} ({report['tolerance']['outliers']:.1%})",
            f"{report['texture_levels']['mean']:.2g}",
            f"{report['mask_share']:.2%}",
            f"{report['size_bytes'] / 1e6:.2f}",
            f"{latency['1']['median']:.2f}",
            f"{latency['2']['median']:.2f}",
        )
    return table


def _write_json(path, weights, photographs, reports):
    """Writes the parity reports with versions."""
    from keras_3dmmstn.version import versions

    head = {"weights": str(weights) if weights else "bundled", "photographs": photographs}
    terminal.write_json(path, {**head, "versions": versions(), "artefacts": reports})
