"""`keras-3dmmstn web`: a page that runs the network on the visitor's own machine."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import (
    FaceModel,
    known_visibility,
    load_face_model,
    load_normaliser,
)
from keras_3dmmstn.cli.progress import steps

Weights = Annotated[
    Path | None,
    typer.Argument(
        help="Folder with localiser.keras and face_model.npz, or `bundled`, the default; or a "
        ".tflite file written by `export`, with its card beside it."
    ),
]
Out = Annotated[
    Path,
    typer.Option(help="Folder for the site: new, empty, or an existing site to replace."),
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="Precision of the network: float16, the default, float32, dynamic or integer."
    ),
]
Visibility = Annotated[
    str | None,
    typer.Option(
        callback=known_visibility,
        help="How the mask is computed: normals (the default, and the fastest), depth or table. "
        "WebGPU runs only normals.",
    ),
]
Packages = Annotated[
    Path | None,
    typer.Option(
        help="Folder node_modules with the page's packages. Without it, npm fetches them."
    ),
]


def web(
    out: Out,
    weights: Weights = None,
    precision: Precision = None,
    visibility: Visibility = None,
    face_model: FaceModel = None,
    packages: Packages = None,
) -> None:
    """Write a page that runs the network in the browser, on the visitor's own machine.

    Any static file server can host the folder, such as `python -m http.server`. Pictures stay on
    the visitor's machine. npm (Node.js) fetches the packages that the page needs.
    """
    from keras_3dmmstn.export.web.site import check_site, write_site

    with terminal.failing_on(ImportError, OSError, ValueError):
        check_site(out, packages)
        options = {"precision": precision, "visibility": visibility}
        exported = weights is not None and weights.suffix == ".tflite"
        with steps(3 if exported else 6) as begin:
            if exported:
                network = _read(weights, options, face_model, begin)
            else:
                network = _export(weights, options, face_model, begin)
            content, card, grid_model, focal_length = network
            write_site(out, content, card, grid_model, focal_length, packages, begin)
    terminal.tell(out)


def _read(path, options, face_model, begin):
    """Returns the content, card, face model and focal length of an exported file."""
    from keras_3dmmstn.export.card import read_card
    from keras_3dmmstn.export.exported_localiser import load_exported
    from keras_3dmmstn.outside_files import open_file

    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise ValueError(f"{path} is exported already: {given[0]} goes with weights, not with it.")
    begin("Reading the network")
    normaliser = load_exported(path, load_face_model(face_model))
    with open_file(path) as file:
        content = file.read()
    return content, read_card(path), normaliser.grid_model, normaliser.camera.focal_length


def _export(weights, options, face_model, begin):
    """Exports weights, compares the file with the network, and returns the same as `_read`."""
    from keras_3dmmstn.export.artefacts import export_artefacts, planned_artefacts
    from keras_3dmmstn.export.card import read_card
    from keras_3dmmstn.export.comparison_photographs import (
        portrait_photographs,
        rendered_photographs,
    )

    if face_model is not None:
        raise ValueError("--face-model goes with a .tflite file: weights have their own.")
    import numpy as np

    begin("Reading the weights")
    normaliser = load_normaliser(weights)
    size = normaliser.image_size
    photographs = np.concatenate(
        [portrait_photographs(size), rendered_photographs(normaliser.grid_model, size)]
    )
    with tempfile.TemporaryDirectory() as folder:
        precisions = [options["precision"] or "float16"]
        (artefact,) = artefacts = planned_artefacts(folder, ["tflite"], precisions)
        export_artefacts(
            normaliser,
            artefacts,
            photographs,
            visibility=options["visibility"] or "normals",
            progress=begin,
        )
        content, card = artefact.path.read_bytes(), read_card(artefact.path)
    return content, card, normaliser.grid_model, normaliser.camera.focal_length
