"""A fitted face seen from any side, in the photograph's own pixels."""

from collections.abc import Sequence

import cv2
import numpy as np

from keras_3dmmstn.inference.view.filling import fill_hidden
from keras_3dmmstn.inference.view.opacity import opacity
from keras_3dmmstn.inference.view.photographed_face import PhotographedFace
from keras_3dmmstn.inference.view.rasterisation import rasterise

# Samples along a side of each pixel.
_SAMPLES = 2
# Side of the view in larger sides of the mean face.
_VIEW_TO_FACE = 1.12
# Rows of pixels drawn at once, which limits the memory for large pictures.
_ROWS_AT_ONCE = 512


def draw_view(
    face: PhotographedFace,
    vertices: np.ndarray,
    rotation: np.ndarray,
    size: int = 512,
    fill: str | None = None,
) -> np.ndarray:
    """Draws a face with the photograph's pixels, orthographically and without shading.

    Each pixel is traced to its place on the mesh, nearest first, and from there to the photograph.

    Args:
        face: as it was photographed.
        vertices: `(N, 3)`, the shape to draw, in the face model's frame, millimetres: the face, or
            the same with another expression.
        rotation: `(3,)` axis-angle in radians.
        size: side of the picture in pixels.
        fill: None or `"mirror"`, see `fill_hidden`.

    Returns:
        `(size, size, 4)` float32 RGB in 0..255, multiplied by A, and A in 0..1.
    """
    model = face.grid_model
    low, high = model.mean.min(axis=0), model.mean.max(axis=0)
    zoom = _SAMPLES * size / (_VIEW_TO_FACE * float((high - low)[:2].max()))
    turned = (vertices - (low + high) / 2) @ cv2.Rodrigues(rotation)[0].T * zoom
    places = turned[:, :2] + (_SAMPLES * size - 1) / 2
    sources = [np.stack([*face.points.T, opacity(face).ravel()])]
    if fill is not None:
        sources.append(sources[0][:, model.mirror])
    triangles, bands = model.triangles, []
    for first in range(0, size, _ROWS_AT_ONCE):
        shape = _SAMPLES * min(_ROWS_AT_ONCE, size - first), _SAMPLES * size
        raster = rasterise(places - (0, _SAMPLES * first), turned[:, 2], triangles, shape)
        bands.append(_band(raster, shape, sources, face.photograph, face.scale / zoom))
    picture = np.concatenate(bands)
    return picture if fill is None else _filled(picture)


def on_background(picture: np.ndarray, background: Sequence[int] | None) -> np.ndarray:
    """Returns a picture from `draw_view` as uint8: RGB on a background, or RGBA with None."""
    colours, alpha = picture[..., :3], picture[..., 3:]
    if background is None:
        layers = [colours / np.maximum(alpha, 1e-6), 255 * alpha]
        return np.round(np.concatenate(layers, axis=-1)).clip(0, 255).astype(np.uint8)
    flat = colours + (1 - alpha) * np.asarray(background, np.float32)
    return np.round(flat).clip(0, 255).astype(np.uint8)


def _band(raster, shape, sources, part, spacing):
    """Returns the premultiplied RGBA `(rows, columns, 4)` of each source; with several, coverage.

    Args:
        raster: the mesh, `_SAMPLES` times as fine as the picture.
        shape: its height and width.
        sources: each `(3, N)`: x and y in the photograph, and opacity, at the vertices.
        part: of the photograph.
        spacing: between samples, pixels of the photograph.
    """
    layers = []
    for source in sources:
        x, y, shown = raster.interpolate(source)
        shown *= part.contains(x, y)
        colours = np.empty((len(x), 4), np.float32)
        colours[:, :3] = part.sample(x, y, spacing)
        colours[:, 3] = 1
        colours *= shown[:, None]
        layer = np.zeros((shape[0] * shape[1], 4), np.float32)
        layer[raster.pixels] = colours
        layers.append(_averaged(layer.reshape(*shape, 4)))
    if len(sources) > 1:
        covered = np.zeros(shape[0] * shape[1], np.float32)
        covered[raster.pixels] = 1
        layers.append(_averaged(covered.reshape(shape))[..., None])
    return np.concatenate(layers, axis=-1)


def _averaged(picture):
    """Returns the mean of each pixel's samples."""
    size = (picture.shape[1] // _SAMPLES, picture.shape[0] // _SAMPLES)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _filled(layers):
    """Returns premultiplied RGBA of layers `(size, size, 9)`: seen, mirrored, and coverage."""
    if not layers[..., 3].any():
        return layers[..., :4]
    picture = np.zeros((*layers.shape[:2], 4), np.float32)
    rows, columns = (np.flatnonzero(layers[..., 8].any(axis=axis)) for axis in (1, 0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    covered = layers[part][..., 8:]
    # At the outline, a pixel counts as visible as far as the part of the face in it does.
    pictures = []
    for layer in (layers[part][..., :4], layers[part][..., 4:8]):
        alpha = layer[..., 3:]
        share = np.where(alpha >= 0.999 * covered, 1, alpha / np.maximum(covered, 1e-6))
        share = np.where(covered > 0, share, 0).astype(np.float32)[..., 0]
        pictures += [layer[..., :3] / np.maximum(alpha, 1e-6), share]
    picture[part] = np.concatenate([fill_hidden(*pictures) * covered, covered], axis=-1)
    return picture
