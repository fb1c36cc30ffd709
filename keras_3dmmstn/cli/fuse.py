"""`keras-3dmmstn fuse`: one face from several photographs of a person."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import Boxes, Fill, Weights, load_normaliser

Photographs = Annotated[
    list[Path],
    typer.Argument(help="Photographs of one person, or folders, searched with their subfolders."),
]
Out = Annotated[Path, typer.Option(help="Folder for the results. Created if it does not exist.")]
TextureSize = Annotated[int, typer.Option(help="Side of the texture in pixels, from 32 to 2048.")]


def fuse(
    photographs: Photographs,
    out: Out,
    boxes: Boxes = None,
    texture_size: TextureSize = 512,
    fill: Fill = None,
    weights: Weights = None,
) -> None:
    """Make one face from several photographs of a person: the more sides they show, the better.

    The face nearest the middle of each photograph is used. Writes texture.png, mask.png, the face
    from the front, a mesh with blend shapes (mesh.glb), and person.json, which says how much each
    photograph contributed. An earlier result in the same folder is replaced.

    Photographs without a face are named and left out. If one cannot be read, the others are still
    used, and the exit status is 1.
    """
    from keras_3dmmstn.cli.figure.central_faces import report_failures, some_central_faces
    from keras_3dmmstn.cli.photograph_files import photograph_files
    from keras_3dmmstn.drawing.fused_results import check_fused_folder, write_fused
    from keras_3dmmstn.drawing.results.files import source_in
    from keras_3dmmstn.inference.fusion.fused_face import fuse as fuse_faces
    from keras_3dmmstn.inference.view.filling import check_fill
    from keras_3dmmstn.mesh.finer_grid import texture_shape

    with terminal.failing_on(OSError, ValueError):
        check_fill(fill)
        texture_shape(texture_size, (texture_size, texture_size))
        check_fused_folder(out)
    normaliser = load_normaliser(weights)
    found, troubles = photograph_files(photographs)
    for trouble in troubles:
        terminal.note(terminal.message_of(trouble))
    paths = list({source_in(out, one.path): one.path for one in reversed(found)}.values())[::-1]
    named = [photograph.path for photograph in found if photograph.is_named]
    central = some_central_faces(normaliser, paths, boxes, named)
    with terminal.failing_on(OSError, ValueError):
        face = fuse_faces(central.faces, texture_size)
        sources = [source_in(out, path) for path in central.paths]
        written = write_fused(out, face, sources, fill)
    for path in written:
        terminal.tell_if_possible(path)
    report_failures(central)
    if troubles:
        raise typer.Exit(1)
