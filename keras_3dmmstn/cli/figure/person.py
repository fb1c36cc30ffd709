"""`keras-3dmmstn figure person`: one person in several photographs."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli.figure.central_faces import report_failures, some_central_faces
from keras_3dmmstn.cli.figure.picture_file import PictureFile, write_picture
from keras_3dmmstn.cli.options import Boxes, Weights, load_normaliser

Photographs = Annotated[list[Path], typer.Argument(help="Photographs of one person.")]


def person(
    photographs: Photographs, out: PictureFile, boxes: Boxes = None, weights: Weights = None
) -> None:
    """Figure 7: several photographs of a person, and their textures below.

    Photographs that fail are named and left out; the exit status is then 1.
    """
    from keras_3dmmstn.drawing.figures import person_figure

    central = some_central_faces(load_normaliser(weights), photographs, boxes)
    write_picture(out, person_figure([image for image, _ in central.found], central.faces))
    report_failures(central)
