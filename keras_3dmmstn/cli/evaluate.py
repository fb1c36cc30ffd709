"""`keras-3dmmstn evaluate`: the landmark error on labelled photographs."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import (
    Anywhere,
    JsonFile,
    Subjects,
    Weights,
    load_face_model,
    load_normaliser,
)
from keras_3dmmstn.cli.progress import tracking

# Eye centres, nose tip and corners of the mouth: the box around them is too small for a face.
_FEW_POINTS = 5

Folders = Annotated[
    list[Path],
    typer.Argument(
        help="Folders of labelled photographs: 300-W, landmarks.csv, CFP, AFLW or AFLW2000-3D. "
        "The first argument may be the weights: the folder of a run, or an exported .tflite, "
        ".onnx or SavedModel."
    ),
]
FaceModel = Annotated[
    Path | None,
    typer.Option(help="Face model (.npz) of an exported network, or `bundled`, the default."),
]
Out = Annotated[
    Path | None, typer.Option(help="Folder for pictures. Created if it does not exist.")
]
Threshold = Annotated[
    float, typer.Option(min=0.01, help="Mean error in % above which a face counts as failed.")
]
BoxNoise = Annotated[
    float,
    typer.Option(
        min=0,
        max=0.5,
        help="How far boxes are moved and scaled at random, as a fraction of their size.",
    ),
]
EstimateBoxes = Annotated[
    bool,
    typer.Option(
        "--estimate-boxes",
        help="Frame faces by the box of all 68 points, estimated where fewer are labelled.",
    ),
]
Balanced = Annotated[
    bool,
    typer.Option("--balanced", help="Take equally many faces from each bin of labelled yaw."),
]
HeldOut = Annotated[
    int | None,
    typer.Option(
        "--held-out",
        "--left-out",
        min=2,
        help="Measure only the faces that `data convert --held-out` with the same number held out.",
    ),
]
Looks = Annotated[
    int,
    typer.Option(
        min=1,
        max=2,
        help="How often the network sees each face: 2, as in `normalise`, or 1, in the box of the "
        "labels.",
    ),
]
Seed = Annotated[int, typer.Option(help="Seed for the noise of the boxes and for --balanced.")]


def evaluate(
    folders: Folders,
    weights: Weights = None,
    face_model: FaceModel = None,
    out: Out = None,
    json_file: JsonFile = None,
    threshold: Threshold = 10.0,
    box_noise: BoxNoise = 0.1,
    estimate_boxes: EstimateBoxes = False,
    balanced: Balanced = False,
    held_out: HeldOut = None,
    subjects: Subjects = None,
    looks: Looks = 2,
    seed: Seed = 0,
    anywhere: Anywhere = False,
) -> None:
    """Measure the landmark error on labelled photographs. The labels frame the faces.

    Errors are in % of √(w·h) of the tight box around a face's labelled points, and in pixels, with
    the photograph scaled so that the larger side of that box is 120 pixels, as in the paper.
    """
    from keras_3dmmstn.training.evaluation.report import describe

    with terminal.failing_on(OSError):
        weights, folders = _weights_and_folders(weights, folders)
    normaliser = _load(weights, face_model)
    normaliser.looks = looks
    settings = {
        "weights": str(weights) if weights else "bundled",
        "threshold_percent": threshold,
        "box_noise": box_noise,
        "estimate_boxes": estimate_boxes,
        "balanced": balanced,
        "held_out": held_out,
        "subjects": subjects,
        "looks": looks,
        "seed": seed,
        "anywhere": anywhere,
    }
    measurements, descriptions = {}, {}
    for folder in folders:
        with terminal.failing_on(OSError, ValueError, about=folder):
            measurement = _measure(normaliser, folder, settings)
            description = describe(measurement, threshold)
        _print(str(folder), description)
        measurements[str(folder)], descriptions[str(folder)] = measurement, description
    if json_file:
        _write_json(json_file, settings, descriptions)
    if out:
        _write_pictures(out, normaliser, measurements, descriptions)


def _weights_and_folders(weights, folders):
    """Returns the weights and the data folders; the first folder may be the weights."""
    from keras_3dmmstn.export.exported_localiser import is_exported

    first = folders[0]
    versions = sorted(path.parent for path in first.glob("*/saved_model.pb"))
    if weights is None and versions:
        terminal.fail(f"Expected a version of the SavedModel {first}, such as {versions[-1]}.")
    if weights is None and ((first / "localiser.keras").exists() or is_exported(first)):
        weights, folders = folders[0], folders[1:]
        if not folders:
            terminal.fail(f"Expected folders of labelled photographs after the weights {weights}.")
    return weights, folders


def _load(weights, face_model):
    """Loads the normaliser or the exported network, or ends with a message."""
    from keras_3dmmstn.export.exported_localiser import is_exported, load_exported

    if not weights or not is_exported(weights):
        if face_model:
            terminal.fail("--face-model goes with an exported network, received weights.")
        return load_normaliser(weights)
    with terminal.failing_on(ImportError, OSError, ValueError):
        return load_exported(weights, load_face_model(face_model))


def _measure(normaliser, folder, settings):
    """Measures the error on a folder of labelled photographs."""
    from keras_3dmmstn.training.evaluation.measurement import measure
    from keras_3dmmstn.training.fitting.face_box import face_boxes

    faces, jaw = _read(folder, settings)
    few = not ((faces.landmarks[..., 2] > 0).sum(axis=1) > _FEW_POINTS).any()
    if few and not settings["estimate_boxes"]:
        terminal.remark(
            f"{folder}: no face has more than {_FEW_POINTS} labelled points, too small a box "
            "to frame a face: boxes are estimated, as by --estimate-boxes."
        )
    estimated = few or settings["estimate_boxes"]
    frames = face_boxes(faces.landmarks, faces.rectangles) if estimated else None
    bar = tracking(f"Evaluating {folder}")
    return measure(normaliser, faces, settings["box_noise"], settings["seed"], jaw, frames, bar)


def _read(folder, settings):
    """Reads labelled faces, all or some of them, and returns them with the kind of jaw labels."""
    import numpy as np

    from keras_3dmmstn.training.data import labelled_faces
    from keras_3dmmstn.training.data.faces import read_faces
    from keras_3dmmstn.training.data.readers.aflw2000 import is_aflw2000, read_aflw2000
    from keras_3dmmstn.training.data.subject_ranges import of_subjects
    from keras_3dmmstn.training.evaluation.yaw_bins import balanced_subset

    if is_aflw2000(folder):
        faces, jaw = read_aflw2000(folder), "fixed"
    else:
        faces, jaw = read_faces(folder, settings["anywhere"]), "apparent"
    if settings["subjects"] is not None:
        faces = faces.choose(of_subjects(faces, settings["subjects"]))
    if settings["held_out"]:
        faces = faces.choose(labelled_faces.held_out(faces, settings["held_out"]))
    if settings["balanced"]:
        yaw = np.degrees(faces.pose[:, 2])
        faces = faces.choose(balanced_subset(yaw, settings["seed"]))
    return faces, jaw


def _print(name, description):
    """Prints the numbers of one data set."""
    from keras_3dmmstn.training.evaluation import tables

    terminal.output.print(tables.summary_table(name, description))
    for line in tables.remark_lines(description):
        terminal.output.print(line, highlight=False)
    terminal.output.print(tables.yaw_table(description))
    terminal.output.print(tables.landmark_table(description))
    for face in description["skipped"]:
        terminal.remark(f"skipped: {face['name']}: {face['reason']}")
    terminal.output.print()


def _write_json(path, settings, descriptions):
    """Writes settings, versions and the descriptions of all data sets."""
    from keras_3dmmstn.version import versions

    data = [{"folder": name, **description} for name, description in descriptions.items()]
    terminal.write_json(path, {"settings": settings, "versions": versions(), "data": data})


def _write_pictures(out, normaliser, measurements, descriptions):
    """Writes the pictures of all data sets."""
    from keras_3dmmstn.training.evaluation.pictures import write_pictures

    with terminal.failing_on(OSError):
        out.mkdir(parents=True, exist_ok=True)
        for path in write_pictures(out, normaliser, measurements, descriptions):
            terminal.tell(path)
