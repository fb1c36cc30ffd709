"""`keras-3dmmstn data turn`: large poses that photographs lack."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import Anywhere, FaceModel, Subjects, load_face_model, numbers
from keras_3dmmstn.cli.progress import tracking

if TYPE_CHECKING:
    from keras_3dmmstn.training.data.skipped import Skipped

Folders = Annotated[
    list[Path],
    typer.Argument(
        help="Folders of photographs with the 68 points: 300-W (.pts) or landmarks.csv."
    ),
]
Out = Annotated[
    Path, typer.Option(help="Folder for the turned faces. Created if it does not exist.")
]
Copies = Annotated[int, typer.Option(min=1, help="New poses for each face.")]
Yaws = Annotated[
    str, typer.Option(metavar="FROM,TO", help="|yaw| of the new poses in degrees, at most 100.")
]
Size = Annotated[
    int,
    typer.Option(
        min=16, max=4096, help="Side of the pictures, pixels: 1.5 times the network's input."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed for the poses.")]


def turn(
    folders: Folders,
    out: Out,
    copies: Copies = 2,
    yaws: Yaws = "20,75",
    size: Size = 192,
    seed: Seed = 0,
    subjects: Subjects = None,
    face_model: FaceModel = None,
    anywhere: Anywhere = False,
) -> None:
    """Turn photographed faces to large poses, which photographs rarely show.

    The result is a folder with landmarks.csv and images/, for training like any other. Faces
    that cannot be turned are skipped and named.
    """
    from keras_3dmmstn.training.data.faces import read_faces
    from keras_3dmmstn.training.data.subject_ranges import of_subjects
    from keras_3dmmstn.training.turning.turned_faces import write_turned_faces

    skipped: list[Skipped] = []
    model = load_face_model(face_model)
    with terminal.failing_on(OSError, ValueError):
        faces = read_faces(folders, anywhere)
        if subjects is not None:
            faces = faces.choose(of_subjects(faces, subjects))
        written = write_turned_faces(
            faces,
            out,
            model,
            copies=copies,
            yaws=_radians(yaws),
            size=size,
            seed=seed,
            skipped=skipped,
            progress=tracking("Turning"),
        )
    terminal.report_skipped(skipped)
    terminal.tell(f"{out}: {written} turned faces, {len(skipped)} skipped")


def _radians(text):
    """Returns the two angles of a text such as "20,75", given in degrees, in radians."""
    import numpy as np

    try:
        first, last = map(float, np.radians(numbers(text, 2)))
    except ValueError:
        raise ValueError(f"--yaws expects from,to in degrees, received {text}.") from None
    return first, last
