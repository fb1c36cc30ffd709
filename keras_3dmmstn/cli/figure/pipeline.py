"""`keras-3dmmstn figure pipeline`: what the network does with a photograph, step by step."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli.figure.central_faces import some_central_faces
from keras_3dmmstn.cli.figure.picture_file import PictureFile, write_picture
from keras_3dmmstn.cli.options import Boxes, Weights, load_normaliser

Photograph = Annotated[Path, typer.Argument(help="A photograph with a face.")]


def pipeline(
    photograph: Photograph, out: PictureFile, boxes: Boxes = None, weights: Weights = None
) -> None:
    """Figure 6: input, estimated shape and pose, sampled texture, mask, masked texture."""
    from keras_3dmmstn.drawing.figures import pipeline_figure

    normaliser = load_normaliser(weights)
    ((image, face),) = some_central_faces(normaliser, [photograph], boxes).found
    write_picture(out, pipeline_figure(image, face, normaliser.grid_model))
