"""The command line for the paper's figures: `keras-3dmmstn figure ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

app = typer.Typer(help="The paper's figures, of any photographs.", no_args_is_help=True)
_output, _errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

_PICTURES = (".png", ".jpg", ".jpeg")

Picture = Annotated[Path, typer.Option(help="The picture to write, .png or .jpg.")]
Weights = Annotated[
    Path | None,
    typer.Option(help="Folder with localiser.keras and face_model.npz; bundled weights if absent."),
]
Boxes = Annotated[
    Path | None,
    typer.Option(
        help="CSV with columns image, x0, y0, x1, y1: the tight box of the 68 landmarks of each "
        "photograph's face, in pixels. Without it faces are found by the detector."
    ),
]


@app.command()
def uv(
    out: Picture,
    face_model: Annotated[
        Path | None, typer.Option(help="Grid model (.npz); the bundled face if absent.")
    ] = None,
) -> None:
    """Figure 3: the mean face, flattened with a checkerboard, and as a geometry image."""
    from keras_3dmmstn.drawing.figures import uv_figure
    from keras_3dmmstn.mesh import GridModel

    try:
        model = GridModel.load(face_model) if face_model else GridModel.bundled()
    except (OSError, ValueError) as error:
        _fail(str(error))
    _write(out, uv_figure(model))


@app.command()
def pipeline(
    photograph: Annotated[Path, typer.Argument(help="A photograph with a face.")],
    out: Picture,
    boxes: Boxes = None,
    weights: Weights = None,
) -> None:
    """Figure 6: input, estimated shape and pose, sampled texture, mask, masked texture."""
    from keras_3dmmstn.drawing.figures import pipeline_figure

    normaliser = _normaliser(weights)
    ((image, face),) = _some_faces(normaliser, [photograph], boxes)
    _write(out, pipeline_figure(image, face, normaliser.grid_model))


@app.command()
def person(
    photographs: Annotated[list[Path], typer.Argument(help="Photographs of one person.")],
    out: Picture,
    boxes: Boxes = None,
    weights: Weights = None,
) -> None:
    """Figure 7: several photographs of a person, and their textures below."""
    from keras_3dmmstn.drawing.figures import person_figure

    images, faces = zip(*_some_faces(_normaliser(weights), photographs, boxes), strict=True)
    _write(out, person_figure(images, faces))


@app.command()
def mean_texture(
    folder: Annotated[Path, typer.Argument(help="Folder with a folder of photographs a person.")],
    out: Annotated[Path, typer.Option(help="Folder for the pictures; made if missing.")],
    boxes: Boxes = None,
    weights: Weights = None,
    columns: Annotated[int, typer.Option(min=1, help="Persons in a row.")] = 5,
) -> None:
    """Figure 8: the mean texture of each person, weighted by visibility.

    In each photograph the face nearest the middle counts. Writes NAME.png for each person, and all
    of them as mean_textures.jpg.
    """
    from keras_3dmmstn.drawing import figures

    normaliser = _normaliser(weights)
    textures, counts = {}, {}
    for name, photographs in _persons(folder).items():
        faces = [face for _, face in _faces(normaliser, photographs, boxes)]
        if faces:
            textures[name], counts[name] = figures.mean_texture(faces), len(faces)
            _write(out / f"{name}.png", textures[name])
    if not textures:
        _fail(f"Expected a photograph with a face in {folder}, found none.")
    _write(out / "mean_textures.jpg", figures.mean_texture_figure(textures, counts, columns))


def _persons(folder):
    """Returns the photographs of each folder below one, or ends with a message."""
    from keras_3dmmstn.inference.central_face import PHOTOGRAPHS

    persons = {
        below.name: photographs
        for below in sorted(folder.glob("*/"))
        if (photographs := sorted(p for p in below.iterdir() if p.suffix.lower() in PHOTOGRAPHS))
    }
    if not persons:
        _fail(f"Expected folders of photographs in {folder}, found none.")
    return persons


def _faces(normaliser, photographs, boxes):
    """Returns photographs and the central face of each; those without one are named, left out."""
    from keras_3dmmstn.inference.central_face import central_face, read_boxes
    from keras_3dmmstn.inference.photograph import read_photograph

    found = []
    try:
        known = read_boxes(boxes) if boxes else None
    except (OSError, ValueError) as error:
        _fail(str(error))
    for path in track(photographs, "Normalising", console=_errors, transient=True):
        try:
            image = read_photograph(path)
            box = known.box_of(path) if known else None
            found.append((image, central_face(normaliser, image, box)))
        except ImportError as error:
            _fail(str(error))
        except (OSError, ValueError) as error:
            text = str(error)
            _errors.print(text if str(path) in text else f"{path}: {text}", markup=False)
    return found


def _some_faces(normaliser, photographs, boxes):
    """Returns what `_faces` does, or ends with a message if that is nothing."""
    found = _faces(normaliser, photographs, boxes)
    if not found:
        _fail(f"Expected a photograph with a face, received {len(photographs)} without.")
    return found


def _normaliser(weights):
    """Loads the normaliser, or ends with a message."""
    from keras_3dmmstn.inference.normaliser import Normaliser

    try:
        return Normaliser.load(weights) if weights else Normaliser.pretrained()
    except (OSError, ValueError) as error:
        return _fail(str(error))


def _write(path, picture):
    """Writes a picture and says where, or ends with a message."""
    from keras_3dmmstn.drawing.panels import encoded
    from keras_3dmmstn.drawing.results import write_whole

    if path.suffix.lower() not in _PICTURES:
        _fail(f"--out expects a name that ends in {', '.join(_PICTURES)}, received {path}.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, encoded(picture, path.suffix.lower()))
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}.")
    _output.print(str(path), markup=False, highlight=False)


def _fail(message):
    """Ends the program with a message and exit status 1."""
    _errors.print(message, markup=False, highlight=False)
    raise typer.Exit(1)
