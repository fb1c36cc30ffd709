"""`keras-3dmmstn face-model sample`: random faces of a grid model."""

from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import Model, OutFolder, load_face_model

Count = Annotated[int, typer.Option(min=1, help="How many faces.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same faces.")]


def sample(model: Model, out: OutFolder, count: Count = 10, seed: Seed = 0) -> None:
    """Write random faces of a grid model as GLB, with coefficients from N(0, 1)."""
    from keras_3dmmstn.drawing.face_model_pictures import write_samples

    face = load_face_model(model)
    with terminal.failing_on(ImportError, OSError):
        out.mkdir(parents=True, exist_ok=True)
        for path in write_samples(face, out, count, seed):
            terminal.tell(path)
