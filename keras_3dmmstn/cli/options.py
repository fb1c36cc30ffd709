"""Options that several commands share, and loading what they name."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keras_3dmmstn.cli.terminal import fail, failing_on

if TYPE_CHECKING:
    from keras_3dmmstn.inference.normaliser import Normaliser
    from keras_3dmmstn.mesh import GridModel

_WEIGHTS = "Folder with localiser.keras and face_model.npz, or `bundled`, the default."

Weights = Annotated[Path | None, typer.Option(help=_WEIGHTS)]
WeightsArgument = Annotated[Path | None, typer.Argument(help=_WEIGHTS)]
FaceModel = Annotated[
    Path | None, typer.Option(help="Grid model (.npz), or `bundled`, the default.")
]
Model = Annotated[Path, typer.Argument(help="Grid model (.npz) that `build` wrote, or `bundled`.")]
Boxes = Annotated[
    Path | None,
    typer.Option(
        help="CSV with columns image, x0, y0, x1, y1: the tight box around the 68 landmarks of "
        "each photograph's face, in pixels; semicolons and tabs work, too. Without it, the "
        "detector finds the faces."
    ),
]
Folders = Annotated[
    list[Path],
    typer.Argument(
        help="Folders of labelled photographs: 300-W (.pts), landmarks.csv with images/ (also "
        "CFP's), or AFLW (aflw.sqlite with flickr/)."
    ),
]
Subjects = Annotated[
    str | None,
    typer.Option(
        metavar="RANGES",
        help="Only people with these numbers in the data set's labels: 301-350, or 1-10,20.",
    ),
]
Anywhere = Annotated[
    bool,
    typer.Option(
        "--anywhere",
        help="Also read photographs that landmarks.csv or aflw.sqlite names outside its folder.",
    ),
]


def _npz_name(value: Path) -> Path:
    """Returns the name of the grid model to write, or ends the command if the suffix is wrong."""
    if value.suffix != ".npz":
        fail(f"--out expects a name that ends in .npz, received {value}.")
    return value


OutModel = Annotated[
    Path, typer.Option("--out", callback=_npz_name, help="The grid model to write (.npz).")
]
OutFolder = Annotated[
    Path, typer.Option(help="Folder for the results. Created if it does not exist.")
]
TextureSize = Annotated[
    int | None,
    typer.Option(
        help="Side of texture and mask, 32 to 2048 pixels, also sampled between the vertices of "
        "the face model. Default: one pixel for each vertex."
    ),
]
Fill = Annotated[
    str | None,
    typer.Option(
        help="mirror: fill hidden parts of the texture and of the picture from the front from the "
        "other side of the face. The mask still shows what was seen. Default: leave them empty."
    ),
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="File for all numbers, as JSON.")]


def known_visibility(value: str | None) -> str | None:
    """Returns the value of --visibility, or ends the command if it is unknown."""
    if value not in (None, "depth", "table", "normals"):
        fail(f"--visibility expects depth, table or normals, received {value!r}.")
    return value


def load_normaliser(
    weights: Path | None,
    texture_size: int | None = None,
    fill: str | None = None,
    visibility: str = "depth",
) -> "Normaliser":
    """Loads the normaliser of a folder, or the bundled one, or ends with a message."""
    from keras_3dmmstn.inference.normaliser import Normaliser

    with failing_on(OSError, ValueError):
        if weights and not _is_bundled(weights):
            return Normaliser.load(weights, visibility, texture_size, fill)
        return Normaliser.pretrained(visibility, texture_size, fill)


def load_face_model(path: Path | None) -> "GridModel":
    """Loads a grid model, or the bundled one, or ends with a message."""
    from keras_3dmmstn.mesh import GridModel

    with failing_on(OSError, ValueError):
        return GridModel.load(path) if path and not _is_bundled(path) else GridModel.bundled()


def _is_bundled(path: Path) -> bool:
    """Returns whether a path is the word for what comes with the package."""
    return path == Path("bundled") and not path.exists()


def numbers(text: str, count: int) -> list[float]:
    """Returns the numbers of a text such as "1,2,3".

    Raises:
        ValueError: if there are not `count` of them.
    """
    from keras_3dmmstn.number_texts import number

    values = [number(part) for part in text.split(",")]
    if len(values) != count:
        raise ValueError(f"Expected {count} numbers, received {text!r}.")
    return values
