"""`keras-3dmmstn figure textures`: the textures of many photographs, side by side."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.figure.central_faces import report_failures, some_central_faces
from keras_3dmmstn.cli.figure.picture_file import PictureFile, write_picture
from keras_3dmmstn.cli.options import Boxes, Weights, load_normaliser

Sources = Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.")]
TextureSize = Annotated[int, typer.Option(help="Side of each texture in pixels, 32 to 2048.")]
Columns = Annotated[int, typer.Option(min=1, help="Textures in each row.")]
Count = Annotated[int, typer.Option(min=1, help="Number of photographs, chosen evenly from all.")]


def textures(
    sources: Sources,
    out: PictureFile,
    boxes: Boxes = None,
    weights: Weights = None,
    texture_size: TextureSize = 224,
    columns: Columns = 10,
    count: Count = 50,
) -> None:
    """Textures of many photographs, in rows: by default fifty of them, ten in a row.

    If there are more photographs, they are chosen evenly from all in the order of their names. The
    face nearest the middle of each is used. Photographs that cannot be read, and named ones
    without a face, are left out; the exit status is then 1.
    """
    from keras_3dmmstn.drawing.figures import texture_montage

    chosen = _spread(_photographs(sources), count)
    central = some_central_faces(load_normaliser(weights, texture_size), chosen, boxes, sources)
    write_picture(out, texture_montage(central.faces, texture_size, columns))
    report_failures(central)


def _photographs(sources):
    """Returns the photographs named or below the folders named, or ends with a message."""
    from keras_3dmmstn.cli.photograph_files import is_photograph

    paths: list[Path] = []
    for source in sources:
        if source.is_dir():
            with terminal.failing_on(OSError):
                inside = list(source.rglob("*"))
            paths += sorted(path for path in inside if is_photograph(path.relative_to(source)))
        else:
            paths.append(source)
    if not paths:
        terminal.fail(f"Expected photographs in {', '.join(map(str, sources))}, found none.")
    return paths


def _spread(paths, count):
    """Returns at most `count` of the paths, evenly spread."""
    if len(paths) <= count:
        return paths
    return [paths[number * len(paths) // count] for number in range(count)]
