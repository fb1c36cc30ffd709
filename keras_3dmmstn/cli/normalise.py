"""`keras-3dmmstn normalise`: pictures and numbers of the faces in photographs."""

import contextlib
import math
from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.data_set_options import (
    DataSetOptions,
    Engine,
    RayAddress,
    ShardFormat,
    ShardSize,
    Textures,
    Workers,
    check_options,
    normalise_all,
)
from keras_3dmmstn.cli.mesh_options import BlendShapes, MeshFrame, MeshKinds, wanted_meshes
from keras_3dmmstn.cli.options import (
    Fill,
    TextureSize,
    Weights,
    known_visibility,
    load_normaliser,
    numbers,
)
from keras_3dmmstn.cli.progress import tracking

# Progress is shown for at least this many photographs.
_MANY = 3

Photographs = Annotated[
    list[Path],
    typer.Argument(help="Image files, or folders, which are searched with their subfolders."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the results. Created if it does not exist. Optional with --table."
    ),
]
Table = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Also write a table with a row for each face: size, pose, sharpness, light, mouth and "
        "eyes. FILE ends in .csv or .parquet; an existing table is replaced.",
    ),
]
BoxTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--box",
        help="x0,y0,x1,y1: the tight box around a face's 68 landmarks, in pixels. Repeat it for "
        "several faces in one photograph. Without it, the detector finds the faces.",
    ),
]
Rolls = Annotated[
    list[float] | None,
    typer.Option(
        "--roll",
        help="Clockwise roll of the face of a --box in the photograph, in degrees. Give none, or "
        "one for each --box.",
    ),
]
Overlay = Annotated[
    bool,
    typer.Option(
        "--overlay/--no-overlay",
        help="Draw the fitted meshes onto each photograph, as NAME_overlay.jpg.",
    ),
]
Visibility = Annotated[
    str,
    typer.Option(
        callback=known_visibility, help="How the mask is computed: depth, table or normals."
    ),
]
Front = Annotated[
    bool,
    typer.Option(
        "--front", help="Also draw the face from the front, with the photograph's pixels."
    ),
]
FrontSize = Annotated[
    int | None,
    typer.Option(help="With --front: side of the picture, 16 to 4096 pixels. Default: 512."),
]
Neutral = Annotated[
    bool,
    typer.Option("--neutral", help="With --front or --mesh: remove the photograph's expression."),
]
Transparent = Annotated[
    bool,
    typer.Option("--transparent", help="With --front: a transparent background instead of white."),
]


def normalise(
    photographs: Photographs,
    out: Out = None,
    table: Table = None,
    box: BoxTexts = None,
    roll: Rolls = None,
    texture_size: TextureSize = None,
    visibility: Visibility = "depth",
    fill: Fill = None,
    overlay: Overlay = True,
    front: Front = False,
    front_size: FrontSize = None,
    neutral: Neutral = False,
    transparent: Transparent = False,
    mesh: MeshKinds = None,
    mesh_frame: MeshFrame = None,
    morph_targets: BlendShapes = False,
    weights: Weights = None,
    engine: Engine = None,
    workers: Workers = None,
    shard_size: ShardSize = None,
    shard_format: ShardFormat = None,
    textures: Textures = None,
    ray_address: RayAddress = None,
) -> None:
    """Normalise the faces in photographs.

    For each face, writes its texture, its mask, its parameters as JSON, with --front the face from
    the front, and with --mesh its mesh; for each photograph, writes the fitted meshes drawn on it.
    Subfolders are repeated below --out. Earlier results of the same photograph are replaced, those
    of others never. With --table, also writes a table of all faces; without --out, only the table.

    If a photograph fails, its name and the reason are printed, the others are still normalised, and
    the exit status is 1. A photograph without a face counts as a failure only if it was named
    itself; those found in a folder are named and counted.

    With --engine, normalises a whole data set instead: one folder, one table of paths and boxes
    (.csv or .parquet) or one URL, such as s3://bucket/folder, becomes shards of textures, masks and
    parameters. Failures are listed in failures.csv, and the exit status is 0. To continue a run
    that was stopped or killed, repeat the command.
    """
    from keras_3dmmstn.cli.photograph_files import photograph_files
    from keras_3dmmstn.cli.photograph_work import photograph_work
    from keras_3dmmstn.cli.written_results import report, write_all
    from keras_3dmmstn.drawing.results.face_table import face_table

    options = DataSetOptions(workers, shard_size, shard_format, textures, ray_address)
    pictures = {"--table": table, "--box": box, "--roll": roll, "--front": front, "--mesh": mesh}
    check_options(engine, options, {name: bool(value) for name, value in pictures.items()})
    if engine is not None:
        settings = {"fill": fill, "texture_size": texture_size, "visibility": visibility}
        normalise_all(photographs, out, engine, options, settings | {"weights": weights})
        return
    boxes, rolls = _boxes_and_rolls(box, roll, photographs)
    view = _view(front, front_size, neutral, transparent, fill)
    if neutral and not (front or mesh):
        terminal.fail("--neutral goes with --front or --mesh.")
    meshes = wanted_meshes(mesh, mesh_frame, morph_targets, neutral)
    _check_outputs(out, table, {"--front": front, "--mesh": bool(mesh), "--fill": fill is not None})
    normaliser = load_normaliser(weights, texture_size, fill, visibility)
    _make(out)
    found, troubles = photograph_files(photographs)
    for trouble in troubles:
        terminal.note(terminal.message_of(trouble))
    work = photograph_work(found, out)
    normalised = normaliser.stream(
        (one.photograph.path for one in work),
        None if boxes is None else [boxes],
        None if rolls is None else [rolls],
    )
    track = tracking("Normalising", len(work)) if len(work) >= _MANY else iter
    in_table = face_table(table) if table else contextlib.nullcontext()
    with terminal.failing_on(ImportError, OSError), in_table as rows:
        outcomes = write_all(track(normalised), work, view, overlay, rows, meshes)
    if table:
        terminal.tell_if_possible(table)
    report(outcomes, troubles)


def _check_outputs(out, table, pictures):
    """Checks that there is something to write, and that the table can be written."""
    from keras_3dmmstn.drawing.results.face_table import check_table

    if out is None and table is None:
        terminal.fail("Expected --out FOLDER for the results, --table FILE or both.")
    for option, is_given in pictures.items():
        if is_given and out is None:
            terminal.fail(f"{option} goes with --out.")
    if table is not None:
        with terminal.failing_on(ImportError, OSError, ValueError):
            check_table(table)


def _make(out):
    """Creates the folder for the results, if one is given."""
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            terminal.fail(f"Expected a folder to write to, received {out}: {error.strerror}.")


def _view(front, size, neutral, transparent, fill):
    """Returns the arguments of `front_view`, or None if it is not asked for."""
    from keras_3dmmstn.inference.view.arguments import check_view

    if not front:
        given = {"--front-size": size is not None, "--transparent": transparent}
        for option, is_given in given.items():
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


def _boxes_and_rolls(texts, degrees, photographs):
    """Returns the boxes as lists of four numbers and the rolls in radians; None if not given."""
    from keras_3dmmstn.cli.photograph_files import is_folder

    if not texts:
        if degrees:
            terminal.fail("--roll goes with --box.")
        return None, None
    if len(photographs) > 1:
        terminal.fail(f"--box goes with one photograph, received {len(photographs)}.")
    if is_folder(photographs[0]):
        terminal.fail(f"--box goes with one photograph, received the folder {photographs[0]}.")
    try:
        boxes = [numbers(text, 4) for text in texts]
    except ValueError:
        terminal.fail(f"--box expects x0,y0,x1,y1, received {' '.join(texts)}.")
    if not degrees:
        return boxes, None
    if len(degrees) != len(boxes) or not all(map(math.isfinite, degrees)):
        received = " ".join(f"{roll:g}" for roll in degrees)
        terminal.fail(
            f"--roll expects degrees, one for each of {len(boxes)} --box, received {received}."
        )
    return boxes, [math.radians(roll) for roll in degrees]
