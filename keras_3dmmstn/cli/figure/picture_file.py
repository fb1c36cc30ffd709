"""The picture that a figure command writes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keras_3dmmstn.cli import terminal

if TYPE_CHECKING:
    import numpy as np

_ENDINGS = (".png", ".jpg", ".jpeg")


def _picture_name(value: Path) -> Path:
    """Returns the name of the picture to write, or ends the command if the suffix is wrong."""
    if value.suffix.lower() not in _ENDINGS:
        terminal.fail(f"--out expects a name that ends in {', '.join(_ENDINGS)}, received {value}.")
    return value


PictureFile = Annotated[
    Path, typer.Option(callback=_picture_name, help="The picture to write, .png or .jpg.")
]


def write_picture(path: Path, picture: "np.ndarray") -> None:
    """Writes a picture and prints its path, or ends with a message."""
    from keras_3dmmstn.drawing.panels import encoded

    terminal.write_file(path, encoded(picture, path.suffix.lower()))
