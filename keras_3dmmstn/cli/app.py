"""The command line: `keras-3dmmstn`."""

from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import Progress

from keras_3dmmstn.cli import (
    data_commands,
    evaluation_commands,
    export_commands,
    face_model_commands,
    figure_commands,
    training_commands,
)

app = typer.Typer(
    help="3D Morphable Models as Spatial Transformer Networks: faces from photographs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(data_commands.app, name="data")
app.add_typer(face_model_commands.app, name="face-model")
app.add_typer(figure_commands.app, name="figure")
_output, _errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

# From this many photographs on, progress is shown.
_MANY = 3

Weights = Annotated[
    Path | None,
    typer.Option(help="Folder with localiser.keras and face_model.npz; bundled weights if absent."),
]


@app.command()
def normalise(
    photographs: Annotated[list[Path], typer.Argument(help="Image files.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; made if missing.")],
    box: Annotated[
        list[str] | None,
        typer.Option(
            help="x0,y0,x1,y1: tight box of a face's 68 landmarks in pixels; repeat it for "
            "several faces. For one photograph; without it faces are found by the detector."
        ),
    ] = None,
    weights: Weights = None,
) -> None:
    """Normalise the faces of photographs.

    Writes for each face its texture, its mask, the fitted mesh on the photograph, and its
    parameters as JSON. A photograph that fails is named and the others go on; the exit status is
    then 1.
    """
    boxes = _parsed_boxes(box, photographs)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _fail(f"Expected a folder to write to, received {out}: {error.strerror}.")
    normaliser = _normaliser(weights)

    failures = 0
    with Progress(console=_errors, transient=True, disable=len(photographs) < _MANY) as progress:
        task = progress.add_task("Normalising", total=len(photographs))
        for photograph, name in zip(photographs, _distinct_names(photographs), strict=True):
            try:
                _normalise_one(normaliser, photograph, boxes, out, name)
            except ImportError as error:
                _fail(str(error))
            except (OSError, ValueError, MemoryError, cv2.error) as error:
                failures += 1
                _report(photograph, error)
            progress.advance(task)
    if failures:
        _fail(f"{failures} of {len(photographs)} photographs failed.")


app.command()(training_commands.train)
app.command()(evaluation_commands.evaluate)
app.command()(export_commands.export)


def main() -> None:
    """Runs the command line."""
    app()


def _normalise_one(normaliser, photograph, boxes, out, name):
    """Normalises one photograph and says what was written."""
    from keras_3dmmstn.drawing.results import write_results
    from keras_3dmmstn.inference.photograph import read_photograph

    image = read_photograph(photograph)
    faces = normaliser(image, boxes)
    if not faces:
        raise ValueError("no face was found; say where it is with --box.")
    for file in write_results(out, name, image, faces):
        _output.print(str(file), markup=False, highlight=False)


def _normaliser(weights):
    """Loads the normaliser, or ends with a message."""
    from keras_3dmmstn.inference.normaliser import Normaliser

    try:
        return Normaliser.load(weights) if weights else Normaliser.pretrained()
    except (OSError, ValueError) as error:
        return _fail(str(error))


def _parsed_boxes(texts, photographs):
    """Returns the boxes as lists of four numbers, or None without any."""
    if not texts:
        return None
    if len(photographs) > 1:
        _fail(f"--box goes with one photograph, received {len(photographs)}.")
    try:
        boxes = [[float(number) for number in text.split(",")] for text in texts]
    except ValueError:
        boxes = [[]]
    if any(len(numbers) != 4 for numbers in boxes):
        _fail(f"--box expects x0,y0,x1,y1, received {' '.join(texts)}.")
    return boxes


def _distinct_names(photographs):
    """Returns the files' stems, numbered where several are the same."""
    taken = {photograph.stem for photograph in photographs}
    names = []
    for photograph in photographs:
        name, count = photograph.stem, 1
        while name in names or (count > 1 and name in taken):
            count += 1
            name = f"{photograph.stem}-{count}"
        names.append(name)
    return names


def _report(photograph, error):
    message = str(error)
    if not message.startswith(str(photograph)):
        message = f"{photograph}: {message}"
    _errors.print(message, markup=False, highlight=False)


def _fail(message):
    """Ends the program with a message and exit status 1."""
    _errors.print(message, markup=False, highlight=False)
    raise typer.Exit(1)


if __name__ == "__main__":
    main()
