"""The command line for labelled photographs: `keras-3dmmstn data ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from keras_3dmmstn.cli import turn_commands

app = typer.Typer(
    help="Labelled photographs: what is in them, and crops stored for training.",
    no_args_is_help=True,
)
app.command()(turn_commands.turn)
_output, _errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

# Skipped photographs that are named on the screen; the index names all.
_NAMED = 20

Folders = Annotated[
    list[Path],
    typer.Argument(
        help="Folders of labelled photographs: 300-W (.pts), landmarks.csv with images/, or AFLW "
        "(aflw.sqlite with flickr/)."
    ),
]


@app.command()
def convert(
    folders: Folders,
    out: Annotated[Path, typer.Option(help="Folder for the shards; made if missing.")],
    size: Annotated[
        int,
        typer.Option(
            min=16,
            help="Side of the stored crops, pixels: 1.5 times the network's input, so 336 for 224.",
        ),
    ] = 192,
    image_format: Annotated[
        str, typer.Option("--format", help="jpeg (quality 95) or png (lossless, 6 times as large).")
    ] = "jpeg",
    faces_per_shard: Annotated[int, typer.Option(min=1, help="Faces in a file.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of the faces.")] = 0,
    leave_out: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Leave one in so many people or photographs out, for `evaluate --left-out`.",
        ),
    ] = None,
) -> None:
    """Cut the faces out of their photographs once, into TFRecord shards.

    A conversion that was stopped goes on when it is started again. A photograph that is missing
    or broken is named and left out.
    """
    from keras_3dmmstn.training.data.conversion import convert as run
    from keras_3dmmstn.training.data.faces import read_faces
    from keras_3dmmstn.training.data.labelled_faces import left_out

    try:
        faces = read_faces(folders)
        if leave_out:
            faces = faces.choose(~left_out(faces, leave_out))
        shards = run(faces, out, size, image_format, faces_per_shard, seed, _progress("Converting"))
    except (OSError, ValueError) as error:
        _fail(error)
    for skipped in shards.skipped[:_NAMED]:
        _errors.print(f"left out: {skipped}", markup=False, highlight=False)
    if len(shards.skipped) > _NAMED:
        _errors.print(f"and {len(shards.skipped) - _NAMED} more, which index.json names.")
    _output.print(
        f"{out}: {len(shards)} faces in {len(shards.files)} shards, {len(shards.skipped)} left out",
        markup=False,
        highlight=False,
    )


@app.command()
def inspect(
    folders: Folders,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Image file to write: some faces as they are cut out, with their labels."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=400, help="Faces in the picture.")] = 48,
) -> None:
    """Print what is in folders of labelled photographs or of shards."""
    table = Table("folder", "faces", "photographs", "people", "points", "with pose")
    for folder in folders:
        try:
            crops = _describe(table, folder, count if picture else 0)
            if picture:
                _draw(crops, _numbered(picture, folders.index(folder), len(folders)))
        except (OSError, ValueError) as error:
            _fail(error)
    _output.print(table)


def _describe(table, folder, count):
    """Adds a row on a folder to the table; returns some of its crops."""
    import numpy as np

    from keras_3dmmstn.training.data.crops import cut_faces
    from keras_3dmmstn.training.data.faces import read_faces
    from keras_3dmmstn.training.data.shards import is_shards, read_shards

    if is_shards(folder):
        shards = read_shards(folder)
        table.add_row(escape(str(folder)), str(len(shards)), f"{len(shards.skipped)} left out")
        return shards.load(count) if count else None
    faces = read_faces(folder)
    labelled = (faces.landmarks[..., 2] > 0).sum(axis=1)
    table.add_row(
        escape(str(folder)),
        str(len(faces)),
        str(len(set(faces.paths))),
        str(len(set(faces.subjects) - {""})),
        f"{labelled.min()} to {labelled.max()}",
        str(np.isfinite(faces.pose).all(axis=1).sum()),
    )
    if not count:
        return None
    chosen = np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int)
    return cut_faces(faces.choose(chosen), _progress("Cutting"))


def _draw(crops, path):
    """Writes a sheet of crops with their labelled points."""
    import cv2

    from keras_3dmmstn.training.data.label_pictures import labelled_sheet

    if not cv2.haveImageWriter(str(path)):
        raise ValueError(f"--picture expects a name such as sheet.jpg, received {path}.")
    if not cv2.imwrite(str(path), labelled_sheet(crops, len(crops))[..., ::-1]):
        raise OSError(f"Expected a picture file that can be written, received {path}.")
    _output.print(str(path), markup=False, highlight=False)


def _numbered(path, number, count):
    """Returns the path, with a number if there are several."""
    return path if count == 1 else path.with_stem(f"{path.stem}-{number + 1}")


def _progress(title):
    """Returns what shows the progress through a sequence."""
    return lambda sequence: track(sequence, title, console=_errors, transient=True)


def _fail(error):
    """Ends the program with a message and exit status 1."""
    _errors.print(str(error), markup=False, highlight=False)
    raise typer.Exit(1)
