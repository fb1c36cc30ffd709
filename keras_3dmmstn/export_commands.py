"""The command line for export: `keras-3dmmstn export ...`."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

_output, _errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

#: The formats that are written.
FORMATS = ("saved-model",)

#: Name of the model's folder, and so of the model on a server.
NAME = "keras_3dmmstn"


def export(
    out: Annotated[Path, typer.Option(help="Folder for the results; made if missing.")],
    weights: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with localiser.keras and face_model.npz; bundled weights if absent."
        ),
    ] = None,
    to: Annotated[str, typer.Option(help=f"{', '.join(FORMATS)} or all.")] = "all",
    photographs: Annotated[
        list[Path] | None,
        typer.Option(
            help="A photograph to compare on, a face in the middle of it; repeat it for several. "
            "Rendered faces of the face model are always compared."
        ),
    ] = None,
    landmarks: Annotated[
        str, typer.Option(help='The landmark set; several joined by "+" follow one another.')
    ] = "ibug68",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File for the parity report, as JSON.")
    ] = None,
) -> None:
    """Export the network, and compare each artefact with it.

    Each artefact is run in a fresh process on the same photographs as the network. If one differs
    by more than its format allows, nothing is written and the exit status is 1.
    """
    formats = FORMATS if to == "all" else (to,)
    if not set(formats) <= set(FORMATS):
        _fail(f"--to expects {', '.join(FORMATS)} or all, received {to}.")
    try:
        normaliser = _normaliser(weights)
        images = _images(normaliser, photographs or [])
        reports = _export(normaliser, landmarks, formats, out, images)
        for path, report in reports.items():
            _output.print(f"{path} ({report['format']})", markup=False, highlight=False)
        _print(reports)
        if json_file:
            _write_json(json_file, weights, len(images), reports)
    except (OSError, ValueError) as error:
        _fail(str(error))


def _normaliser(weights):
    from keras_3dmmstn.normaliser import Normaliser

    return Normaliser.load(weights) if weights else Normaliser.pretrained()


def _images(normaliser, photographs):
    """Returns the square crops on which is compared, `(n, size, size, 3)` float32."""
    import numpy as np

    from keras_3dmmstn.export.parity import middle_crop, rendered_photographs

    size = normaliser.image_size
    crops = [middle_crop(path, size)[None] for path in photographs]
    return np.concatenate([rendered_photographs(normaliser.grid_model, size), *crops])


def _export(normaliser, landmarks, formats, out, images):
    """Writes all formats aside, compares them, and moves all of them; returns their reports."""
    from keras_3dmmstn.export.destination import next_version, written_aside
    from keras_3dmmstn.export.network import trained_network
    from keras_3dmmstn.export.parity import FLOAT32, check_parity
    from keras_3dmmstn.export.saved_model import write_saved_model

    reports = {}
    with ExitStack() as moves, _errors.status("Building the network") as status:
        network = trained_network(normaliser, landmarks)
        for name in formats:
            path = next_version(out / NAME)
            aside = moves.enter_context(written_aside(path))
            status.update(f"Writing {name}")
            write_saved_model(network, aside)
            status.update(f"Comparing {name} with the network")
            report = check_parity(name, aside, network, images, FLOAT32)
            reports[str(path)] = {"format": name, **report}
    return reports


def _print(reports):
    """Prints the parity reports as a table."""
    table = Table()
    for column in (
        "format", "landmarks: max, mean (px)", "texture: max, mean (levels)", "mask (share)",
        "MB", "ms, 1 thread", "ms, 2 threads",
    ):  # fmt: skip
        table.add_column(column)
    for report in reports.values():
        pixels, levels = report["landmarks_px"], report["texture_levels"]
        latency = report["latency_ms"]
        table.add_row(
            report["format"],
            f"{pixels['max']:.2g}, {pixels['mean']:.2g}",
            f"{levels['max']:.2g}, {levels['mean']:.2g}",
            f"{report['mask_share']:.2g}",
            f"{report['size_bytes'] / 1e6:.2f}",
            f"{latency['1']['median']:.1f}",
            f"{latency['2']['median']:.1f}",
        )
    _output.print(table)


def _write_json(path, weights, photographs, reports):
    """Writes the parity reports with versions."""
    import keras
    import tensorflow as tf

    from keras_3dmmstn.results import write_whole
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
    artefacts = [{"path": name, **report} for name, report in reports.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps({**head, "artefacts": artefacts}, indent=1) + "\n").encode())
    _output.print(str(path), markup=False, highlight=False)


def _fail(message):
    """Ends the program with a message and exit status 1."""
    _errors.print(message, markup=False, highlight=False)
    raise typer.Exit(1)
