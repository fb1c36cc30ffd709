"""`keras-3dmmstn normalise`: from photographs to pictures and numbers of their faces."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import OutFolder, TextureSize, Weights, load_normaliser, numbers
from keras_3dmmstn.cli.progress import tracking

# From this many photographs on, progress is shown.
_MANY = 3

Photographs = Annotated[list[Path], typer.Argument(help="Image files.")]
BoxTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--box",
        help="x0,y0,x1,y1: the tight box of a face's 68 landmarks, in pixels. Repeat it for "
        "several faces of one photograph. Without it, the detector finds the faces.",
    ),
]
Front = Annotated[
    bool,
    typer.Option(
        "--front", help="Also draw the face turned to the viewer, with the photograph's pixels."
    ),
]
FrontSize = Annotated[
    int | None,
    typer.Option(help="Side of that picture in pixels, from 16 to 4096. Default: 512."),
]
Neutral = Annotated[
    bool, typer.Option("--neutral", help="Draw it without the photograph's expression.")
]
Transparent = Annotated[
    bool, typer.Option("--transparent", help="Draw it on a transparent background, not on white.")
]
Fill = Annotated[
    str | None,
    typer.Option(
        help="mirror: fill what is hidden, in the texture and in the picture from the front, from "
        "the other side of the face. The mask keeps saying what was seen. Default: leave it empty."
    ),
]


def normalise(
    photographs: Photographs,
    out: OutFolder,
    box: BoxTexts = None,
    texture_size: TextureSize = None,
    fill: Fill = None,
    front: Front = False,
    front_size: FrontSize = None,
    neutral: Neutral = False,
    transparent: Transparent = False,
    weights: Weights = None,
) -> None:
    """Normalise the faces of photographs.

    Writes for each face its texture, its mask, the fitted mesh on the photograph, its parameters as
    JSON and, with --front, the face from the front. If a photograph fails, its name and the reason
    are printed, the others are still normalised, and the exit status is 1.
    """
    import cv2

    boxes = _parsed_boxes(box, photographs)
    view = _view(front, front_size, neutral, transparent, fill)
    normaliser = load_normaliser(weights, texture_size, fill)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        terminal.fail(f"Expected a folder to write to, received {out}: {error.strerror}.")

    failures, track = 0, tracking("Normalising") if len(photographs) >= _MANY else iter
    for photograph, name in track([*zip(photographs, _distinct_names(photographs), strict=True)]):
        try:
            _normalise_one(normaliser, photograph, boxes, out, name, view)
        except ImportError as error:
            terminal.fail(error)
        except (OSError, ValueError, MemoryError, cv2.error) as error:
            failures += 1
            terminal.note(terminal.message_of(error, about=photograph))
    if failures:
        terminal.fail(f"{failures} of {len(photographs)} photographs failed.")


def _normalise_one(normaliser, photograph, boxes, out, name, view):
    """Normalises one photograph and says what was written."""
    from keras_3dmmstn.drawing.results import write_results
    from keras_3dmmstn.inference.photograph import read_photograph

    image = read_photograph(photograph)
    faces = normaliser(image, boxes)
    if not faces:
        raise ValueError("no face was found. Give its box with --box.")
    for file in write_results(out, name, image, faces, view):
        terminal.say(file)


def _view(front, size, neutral, transparent, fill):
    """Returns the arguments of `front_view`, or None if it is not asked for."""
    from keras_3dmmstn.inference.view.arguments import check_view

    if not front:
        given = {"--front-size": size is not None, "--neutral": neutral}
        for option, is_given in {**given, "--transparent": transparent}.items():
            if is_given:
                terminal.fail(f"{option} goes with --front.")
        return None
    view = {
        "size": 512 if size is None else size,
        "background": None if transparent else (255, 255, 255),
        "fill": fill,
    }
    with terminal.failing_on(ValueError):
        check_view(**view)
    return {**view, "expression": "neutral" if neutral else None}


def _parsed_boxes(texts, photographs):
    """Returns the boxes as lists of four numbers, or None without any."""
    if not texts:
        return None
    if len(photographs) > 1:
        terminal.fail(f"--box goes with one photograph, received {len(photographs)}.")
    try:
        return [numbers(text, 4) for text in texts]
    except ValueError:
        terminal.fail(f"--box expects x0,y0,x1,y1, received {' '.join(texts)}.")


def _distinct_names(photographs):
    """Returns the files' stems, numbered where several are the same."""
    taken = {photograph.stem for photograph in photographs}
    names = []
    for photograph in photographs:
        name, count = photograph.stem, 1
        while name in names or (count > 1 and name in taken):
            count += 1
            name = f"{photograph.stem}-{count}"
        names.append(name)
    return names
