"""The command line for evaluation: `keras-3dmmstn evaluate ...`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

_output, _errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)


def evaluate(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of labelled photographs: 300-W, landmarks.csv, AFLW or AFLW2000-3D. The "
            "first may be the folder of the weights, or an exported .tflite, .onnx or SavedModel."
        ),
    ],
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder with localiser.keras and face_model.npz; bundled weights if absent."
        ),
    ] = None,
    face_model: Annotated[
        Path | None,
        typer.Option(help="Face model .npz of an exported network; the bundled one if absent."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for pictures; made if missing.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File for all numbers, as JSON.")
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(min=0.01, help="Mean error in % beyond which a face counts as failed."),
    ] = 10.0,
    box_noise: Annotated[
        float,
        typer.Option(min=0, max=0.5, help="Share of their size that boxes are moved and scaled."),
    ] = 0.1,
    estimate_boxes: Annotated[
        bool,
        typer.Option(
            "--estimate-boxes",
            help="Frame faces by the box of all 68 points, estimated where fewer are labelled.",
        ),
    ] = False,
    balanced: Annotated[
        bool,
        typer.Option(
            "--balanced", help="As many faces of each bin of labelled yaw as of the rarest."
        ),
    ] = False,
    left_out: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Only the faces that `data convert --leave-out` of the same number kept away.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the boxes' noise and of --balanced.")] = 0,
) -> None:
    """Measure the landmark error on labelled photographs, faces framed by their labels.

    Errors are in % of √(w·h) of the tight box of a face's labelled points, and in pixels where the
    photograph is scaled so that the larger side of that box has 120, as the paper frames faces.
    """
    from keras_3dmmstn.export.exported_localiser import is_exported
    from keras_3dmmstn.training.evaluation import report
    from keras_3dmmstn.training.evaluation.measurement import measure

    weights, folders = _told_apart(weights, folders)
    normaliser = _normaliser(weights, face_model)
    if out and weights and is_exported(weights):
        _fail(f"--out draws with the network that was exported, received {weights}.")
    measurements, descriptions = {}, {}
    for folder in folders:
        try:
            faces, jaw = _read(folder, balanced, left_out, seed)
            frames = _estimated_boxes(faces) if estimate_boxes else None
            measurement = measure(
                normaliser, faces, box_noise, seed, jaw, frames, _progress(folder)
            )
        except (OSError, ValueError) as error:
            _fail(f"{folder}: {error}" if str(folder) not in str(error) else str(error))
        description = report.describe(measurement, threshold)
        _print(str(folder), description)
        measurements[str(folder)], descriptions[str(folder)] = measurement, description
    settings = {
        "weights": str(weights) if weights else "bundled",
        "threshold_percent": threshold,
        "box_noise": box_noise,
        "estimate_boxes": estimate_boxes,
        "balanced": balanced,
        "left_out": left_out,
        "seed": seed,
    }
    try:
        if json_file:
            _write_json(
                json_file, {"settings": settings, "versions": report.versions()}, descriptions
            )
        if out:
            _write_pictures(out, normaliser, measurements, descriptions)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}.")


def _told_apart(weights, folders):
    """Returns weights and data; the first folder may be the weights."""
    from keras_3dmmstn.export.exported_localiser import is_exported

    first = folders[0]
    if weights is None and ((first / "localiser.keras").exists() or is_exported(first)):
        weights, folders = folders[0], folders[1:]
        if not folders:
            _fail(f"Expected folders of labelled photographs after the weights {weights}.")
    return weights, folders


def _normaliser(weights, face_model):
    """Loads the normaliser or the exported network, or ends with a message."""
    from keras_3dmmstn.export.exported_localiser import is_exported, load_exported
    from keras_3dmmstn.inference.normaliser import Normaliser
    from keras_3dmmstn.mesh import GridModel

    try:
        if weights and is_exported(weights):
            model = GridModel.load(face_model) if face_model else GridModel.bundled()
            return load_exported(weights, model)
        if face_model:
            raise ValueError("--face-model goes with an exported network, received weights.")
        return Normaliser.load(weights) if weights else Normaliser.pretrained()
    except (ImportError, OSError, ValueError) as error:
        return _fail(str(error))


def _read(folder, balanced, every, seed):
    """Reads labelled faces, all or some of them, and says where their jaw is."""
    import numpy as np

    from keras_3dmmstn.training.data import labelled_faces
    from keras_3dmmstn.training.data.faces import read_faces
    from keras_3dmmstn.training.data.readers.aflw2000 import (
        balanced_subset,
        is_aflw2000,
        read_aflw2000,
    )

    if is_aflw2000(folder):
        faces, jaw = read_aflw2000(folder), "fixed"
    else:
        faces, jaw = read_faces(folder), "apparent"
    if every:
        faces = faces.choose(labelled_faces.left_out(faces, every))
    if balanced:
        faces = faces.choose(balanced_subset(np.degrees(faces.pose[:, 2]), seed))
    return faces, jaw


def _estimated_boxes(faces):
    from keras_3dmmstn.training.fitting.face_box import face_boxes

    return face_boxes(faces)


def _progress(folder):
    return lambda numbers: track(numbers, f"Evaluating {folder}", console=_errors, transient=True)


def _print(name, description):
    """Prints the numbers of one data set."""
    from keras_3dmmstn.training.evaluation import tables

    _output.print(tables.summary_table(name, description))
    for line in tables.remark_lines(description):
        _output.print(line, highlight=False)
    _output.print(tables.yaw_table(description))
    _output.print(tables.landmark_table(description))
    for left_out in description["left_out"]:
        _errors.print(f"left out: {left_out['name']}: {left_out['reason']}", markup=False)
    _output.print()


def _write_json(path, head, descriptions):
    """Writes settings, versions and the descriptions of all data sets."""
    from keras_3dmmstn.drawing.results import write_whole

    data = [{"folder": name, **description} for name, description in descriptions.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps({**head, "data": data}, indent=1) + "\n").encode())
    _output.print(str(path), markup=False, highlight=False)


def _write_pictures(out, normaliser, measurements, descriptions):
    """Writes the pictures of all data sets."""
    from keras_3dmmstn.training.evaluation.pictures import write_pictures

    out.mkdir(parents=True, exist_ok=True)
    for path in write_pictures(out, normaliser, measurements, descriptions):
        _output.print(str(path), markup=False, highlight=False)


def _fail(message):
    """Ends the program with a message and exit status 1."""
    _errors.print(message, markup=False, highlight=False)
    raise typer.Exit(1)
