"""`keras-3dmmstn figure mean-texture`: what the photographs of a person have in common."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.figure.central_faces import central_faces, report_failures
from keras_3dmmstn.cli.figure.picture_file import write_picture
from keras_3dmmstn.cli.options import Boxes, Weights, load_normaliser

Folder = Annotated[
    Path, typer.Argument(help="Folder with one folder of photographs for each person.")
]
Out = Annotated[Path, typer.Option(help="Folder for the pictures. Created if it does not exist.")]
Columns = Annotated[int, typer.Option(min=1, help="People in each row.")]
TextureSize = Annotated[int, typer.Option(help="Side of the textures in pixels, from 32 to 2048.")]
Align = Annotated[
    bool,
    typer.Option("--align/--no-align", help="Shift the textures slightly so that they match."),
]


def mean_texture(
    folder: Folder,
    out: Out,
    boxes: Boxes = None,
    weights: Weights = None,
    columns: Columns = 5,
    texture_size: TextureSize = 512,
    align: Align = True,
) -> None:
    """Figure 8: the mean texture of each person, weighted by visibility and viewing angle.

    The face nearest the middle of each photograph is used. Writes NAME.png for each person, and all
    of them as mean_textures.jpg. Photographs without a face are named and left out. If one cannot
    be read, the others are still used, and the exit status is 1.
    """
    from keras_3dmmstn.drawing.figures import mean_texture_figure
    from keras_3dmmstn.inference.fusion import mean_texture as fusion

    normaliser = load_normaliser(weights, texture_size)
    textures, counts, groups = {}, {}, []
    for name, photographs in _persons(folder).items():
        groups.append(central_faces(normaliser, photographs, boxes))
        if faces := groups[-1].faces:
            textures[name], counts[name] = fusion.mean_texture(faces, align), len(faces)
            write_picture(out / f"{name}.png", textures[name])
    if not textures:
        terminal.fail(f"No face was found in any of the photographs in {folder}.")
    write_picture(out / "mean_textures.jpg", mean_texture_figure(textures, counts, columns))
    report_failures(*groups)


def _persons(folder):
    """Returns the photographs of each subfolder, or ends with a message."""
    from keras_3dmmstn.cli.photograph_files import is_photograph

    with terminal.failing_on(OSError):
        persons = {
            below.name: photographs
            for below in sorted(folder.glob("*/"))
            if not below.name.startswith(".")
            and (photographs := sorted(one for one in below.iterdir() if is_photograph(one.name)))
        }
    if not persons:
        terminal.fail(f"Expected folders of photographs in {folder}, found none.")
    return persons
