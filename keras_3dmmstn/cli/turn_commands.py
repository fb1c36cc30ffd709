"""The command line for large poses: `keras-3dmmstn data turn`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

_output, _errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

# Skipped faces that are named.
_NAMED = 20


def turn(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of photographs with the 68 points: 300-W (.pts) or landmarks.csv."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the turned faces; made if missing.")],
    copies: Annotated[int, typer.Option(min=1, help="New poses for each face.")] = 2,
    size: Annotated[
        int,
        typer.Option(min=16, help="Side of the pictures, pixels: 1.5 times the network's input."),
    ] = 192,
    seed: Annotated[int, typer.Option(min=0, help="Of the poses.")] = 0,
    face_model: Annotated[
        Path | None, typer.Option(help="Grid model (.npz); the bundled one if absent.")
    ] = None,
) -> None:
    """Turn photographed faces out of the plane, for the large poses that photographs lack.

    The result is a folder with landmarks.csv and images/, to train on like any other. A face that
    cannot be turned is named and left out.
    """
    from keras_3dmmstn.mesh import GridModel
    from keras_3dmmstn.training.data.crops import Skipped
    from keras_3dmmstn.training.data.faces import read_faces
    from keras_3dmmstn.training.turning.turned_faces import write_turned_faces

    skipped: list[Skipped] = []
    try:
        model = GridModel.load(face_model) if face_model else GridModel.bundled()
        written = write_turned_faces(
            read_faces(folders),
            out,
            model,
            copies=copies,
            size=size,
            seed=seed,
            skipped=skipped,
            progress=lambda numbers: track(numbers, "Turning", console=_errors, transient=True),
        )
    except (OSError, ValueError) as error:
        _errors.print(str(error), markup=False, highlight=False)
        raise typer.Exit(1) from None
    for face in skipped[:_NAMED]:
        _errors.print(f"left out: {face}", markup=False, highlight=False)
    if len(skipped) > _NAMED:
        _errors.print(f"and {len(skipped) - _NAMED} more.")
    _output.print(
        f"{out}: {written} turned faces, {len(skipped)} left out", markup=False, highlight=False
    )
