"""Pictures and sampled meshes of a grid model, written to a folder."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn.atomic_files import write_atomically
from keras_3dmmstn.drawing.panels import tiled, with_caption
from keras_3dmmstn.drawing.render import geometry_image, render_mesh
from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.landmark_sets import IBUG68_LINES

# Sides in pixels of the pictures of the mean, of a mode, and of the texture layout.
_MEAN_SIZE, _MODE_SIZE, _LAYOUT_SIZE = 512, 160, 896
# Distance along a mode in its pictures, in standard deviations.
_DEVIATIONS = 2.5
# Turns of the head, radians about the vertical axis.
_TURNS = (0.0, 0.6, 1.2)
_LANDMARK_COLOURS = ((255, 40, 40), (40, 90, 255), (0, 140, 60))
_UNIT_IN_METRES = 1e-3


def draw_model(
    model: GridModel, folder: Path, progress: Callable[[Sequence], Iterable] = iter
) -> Iterator[Path]:
    """Writes pictures of a grid model.

    They are `mean.png` (the mean face from three sides, with landmarks), `modes.png` (each mode
    with its number: −2.5, +2.5, and both from the side), `geometry_image.png` (x, y, z as red,
    green, blue) and `layout.png` (the mean in texture space, shaded, with grid lines and
    landmarks).

    Args:
        model: the model.
        folder: where to write; it must exist.
        progress: called on the sequence of modes, to show progress.

    Yields:
        The path of each picture once it is written.
    """
    pictures = {
        "mean.png": mean_picture,
        "modes.png": lambda m: modes_picture(m, progress),
        "geometry_image.png": lambda m: _enlarged(geometry_image(m), _MEAN_SIZE),
        "layout.png": layout_picture,
    }
    for name, draw in pictures.items():
        image = draw(model)
        write_atomically(folder / name, cv2.imencode(".png", image[..., ::-1])[1].tobytes())
        yield folder / name


def mean_picture(model: GridModel) -> np.ndarray:
    """Draws the mean face from three sides, uint8 RGB."""
    points = np.unique(np.concatenate([np.array([], int), *model.landmarks.values()])).astype(int)
    return np.hstack(
        [
            render_mesh(
                model.mean,
                model.triangles,
                _MEAN_SIZE,
                points=model.mean[points] if turn == 0 else None,
                axis_angle=(0.0, turn, 0.0),
            )
            for turn in _TURNS
        ]
    )


def modes_picture(model: GridModel, progress: Callable[[Sequence], Iterable] = iter) -> np.ndarray:
    """Draws each mode at −2.5 and +2.5 standard deviations, from the front and the side.

    Each row has several modes, with their kinds and numbers below, so that the picture is about as
    wide as high.
    """
    if not model.modes:
        return np.full((_MODE_SIZE, 4 * _MODE_SIZE, 3), 255, np.uint8)
    low, high = model.mean.min(axis=0), model.mean.max(axis=0)
    frame = ((low + high)[:2] / 2, 1.35 * float((high - low)[:2].max()))
    strips = []
    for mode, name in zip(progress([*model.basis]), mode_names(model), strict=True):
        faces = [model.mean + sign * _DEVIATIONS * mode for sign in (-1, 1)]
        turns = [(0.0, 0.0, 0.0), (0.0, 0.9, 0.0)]
        pictures = [
            render_mesh(face, model.triangles, _MODE_SIZE, axis_angle=turn, frame=frame)
            for turn in turns
            for face in faces
        ]
        sign = f"-{_DEVIATIONS:g} and +{_DEVIATIONS:g}"
        strips.append(with_caption(np.hstack(pictures), f"{name}: {sign}, also from the side"))
    height, width = strips[0].shape[:2]
    return tiled(strips, max(1, round(math.sqrt(len(strips) * height / width))))


def mode_names(model: GridModel) -> list[str]:
    """Returns a name for each mode: identity or expression, counted from 0 as in θ."""
    return [
        f"identity {number}"
        if number < model.identity_count
        else f"expression {number - model.identity_count}"
        for number in range(model.modes)
    ]


def layout_picture(model: GridModel) -> np.ndarray:
    """Draws the mean face in texture space with every eighth grid line and the landmarks."""
    shade = _shading(model)
    image = _enlarged(shade, _LAYOUT_SIZE)
    cells = (_LAYOUT_SIZE - 1) / (np.array(model.grid_shape[::-1]) - 1)
    for axis, step in enumerate(cells):
        for line in np.arange(0, model.grid_shape[1 - axis], 8):
            position = round(line * step)
            index = (slice(None), position) if axis == 0 else (position, slice(None))
            image[index] = image[index] * 0.8
    for (name, points), colour in zip(
        model.landmarks.items(), _LANDMARK_COLOURS * len(model.landmarks), strict=False
    ):
        row, column = np.divmod(points, model.grid_shape[1])
        places = np.stack([column, row], axis=1) * cells
        if name == "ibug68":
            pixels = np.round(places).astype(np.int32)
            for first, last, closed in IBUG68_LINES:
                piece = pixels[first : last + 1]
                cv2.polylines(image, [piece], closed, colour, 1, cv2.LINE_AA)
        for x, y in np.round(places).astype(int).tolist():
            cv2.circle(image, (x, y), 3, colour, -1, cv2.LINE_AA)
    return image


def write_samples(model: GridModel, folder: Path, count: int, seed: int) -> Iterator[Path]:
    """Writes random faces, coefficients from N(0, 1), as GLB files.

    GLB's frame is y up and z towards the viewer, in metres.

    Args:
        model: the model.
        folder: where to write; it must exist.
        count: how many faces.
        seed: of the random numbers.

    Yields:
        The path of each file once it is written.

    Raises:
        ImportError: if trimesh is not installed.
    """
    try:
        import trimesh
    except ImportError as error:
        raise ImportError(
            'Writing GLB files needs trimesh: pip install "keras-3dmmstn[viz]"'
        ) from error
    rng = np.random.default_rng(seed)
    for number in range(count):
        vertices = model.shape(rng.normal(size=model.modes))
        mesh = trimesh.Trimesh(
            vertices * np.array([1, -1, -1]) * _UNIT_IN_METRES, model.triangles, process=False
        )
        path = folder / f"face_{number:03d}.glb"
        content = mesh.export(file_type="glb")
        assert isinstance(content, bytes)  # trimesh's return type depends on the file type
        write_atomically(path, content)
        yield path


def _enlarged(image, size):
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_NEAREST)


def _shading(model):
    """Returns the mean's `(H', W', 3)` uint8 shading, from its normals, in texture space."""
    grid = model.mean.astype(np.float64).reshape(*model.grid_shape, 3)
    down, right = np.gradient(grid, axis=(0, 1))
    normal = np.cross(down, right)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    light = np.array([-0.35, -0.45, -0.82])
    shade = 70 + 170 * np.clip(normal @ (light / np.linalg.norm(light)), 0, 1)
    return np.repeat(shade[..., None], 3, axis=-1).astype(np.uint8)
