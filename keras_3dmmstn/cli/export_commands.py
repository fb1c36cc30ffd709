"""The command line for export: `keras-3dmmstn export ...`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

_output, _errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)


def export(
    out: Annotated[Path, typer.Option(help="Folder for the results; made if missing.")],
    weights: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with localiser.keras and face_model.npz; bundled weights if absent."
        ),
    ] = None,
    to: Annotated[str, typer.Option(help="saved-model, tflite, onnx or all.")] = "all",
    precision: Annotated[
        list[str] | None,
        typer.Option(
            help="Of TensorFlow Lite files: float32, float16, dynamic (weights in int8) or integer "
            "(activations, too); repeat it for several. All four if absent."
        ),
    ] = None,
    any_batch: Annotated[
        bool,
        typer.Option(
            "--any-batch",
            help="TensorFlow Lite files that take any number of images at a time, in float32 and "
            "float16; otherwise one image.",
        ),
    ] = False,
    visibility: Annotated[
        str | None,
        typer.Option(
            help="How the mask is computed: depth, table or normals (about twice as fast on a "
            "phone). As the weights' own normaliser computes it if absent."
        ),
    ] = None,
    photographs: Annotated[
        list[Path] | None,
        typer.Option(
            help="A photograph to compare on, a face in the middle of it, or a folder of labelled "
            "photographs; repeat it for several. They also give integers their ranges. A portrait "
            "and rendered faces are always compared."
        ),
    ] = None,
    landmarks: Annotated[
        str, typer.Option(help='The landmark set; several joined by "+" follow one another.')
    ] = "ibug68",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File for the parity report, as JSON.")
    ] = None,
) -> None:
    """Export the network for servers and phones, and compare each artefact with it.

    Each artefact is run in a fresh process on the same photographs as the network. If one differs
    by more than its precision allows, nothing is written and the exit status is 1.
    """
    from keras_3dmmstn.export.artefacts import FORMATS, export_artefacts, planned_artefacts

    formats = FORMATS if to == "all" else (to,)
    precisions = precision or (["float32", "float16"] if any_batch else [*_precisions()])
    try:
        artefacts = planned_artefacts(out, formats, precisions)
        normaliser = _normaliser(weights)
        images = _images(normaliser, photographs or [])
        with _errors.status("Exporting") as status:
            reports = export_artefacts(
                normaliser,
                artefacts,
                images,
                landmarks,
                batch=None if any_batch else 1,
                visibility=visibility,
                progress=status.update,
            )
        for report in reports:
            _output.print(report["path"], markup=False, highlight=False)
        _output.print(_table(reports))
        if json_file:
            _write_json(json_file, weights, len(images), reports)
    except (ImportError, OSError, ValueError) as error:
        _fail(str(error))


def _precisions():
    from keras_3dmmstn.export.mobile.tflite import PRECISIONS

    return PRECISIONS


def _normaliser(weights):
    from keras_3dmmstn.inference.normaliser import Normaliser

    return Normaliser.load(weights) if weights else Normaliser.pretrained()


def _images(normaliser, paths):
    """Returns the square crops on which is compared, `(n, size, size, 3)` float32."""
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
        title="Off the network: landmarks in pixels, texture in levels. Time of one image",
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
    )
    for column in ("format", "px max", "mean", "levels", "mask", "MB", "ms", "ms, 2 threads"):
        table.add_column(column, no_wrap=True)
    for report in reports:
        pixels, latency = report["landmarks_px"], report["latency_ms"]
        precision = f" {report['precision']}" if report["format"] == "tflite" else ""
        table.add_row(
            f"{report['format']}{precision}",
            f"{pixels['max']:.2g}",
            f"{pixels['mean']:.2g}",
            f"{report['texture_levels']['mean']:.2g}",
            f"{report['mask_share']:.2%}",
            f"{report['size_bytes'] / 1e6:.2f}",
            f"{latency['1']['median']:.2f}",
            f"{latency['2']['median']:.2f}",
        )
    return table


def _write_json(path, weights, photographs, reports):
    """Writes the parity reports with versions."""
    import keras
    import tensorflow as tf

    from keras_3dmmstn.drawing.results import write_whole
    from keras_3dmmstn.version import __version__

    head = {
        "weights": str(weights) if weights else "bundled",
        "photographs": photographs,
        "versions": {
            "keras_3dmmstn": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps({**head, "artefacts": reports}, indent=1) + "\n").encode())
    _output.print(str(path), markup=False, highlight=False)


def _fail(message):
    """Ends the program with a message and exit status 1."""
    _errors.print(message, markup=False, highlight=False)
    raise typer.Exit(1)
