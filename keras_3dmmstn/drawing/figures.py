"""Draws the figures of the paper for any face model and any photographs."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from keras_3dmmstn.drawing.face_model_pictures import layout_picture
from keras_3dmmstn.drawing.panels import resized, tiled, with_caption
from keras_3dmmstn.drawing.render import geometry_image, render_mesh
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.photograph import warp
from keras_3dmmstn.inference.texture import sample_photograph
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.finer_grid import interpolate_grid
from keras_3dmmstn.network import framing

# Sides of a panel in pixels: for the face model, for the pipeline, and in a row of many.
_MODEL_SIZE, _PIPELINE_SIZE, _SMALL_SIZE = 400, 260, 168
# Squares of the checkerboard along a side of the grid, and their colours.
_SQUARES = 15
_LIGHT, _DARK = (236, 196, 172), (150, 116, 190)


def uv_figure(model: GridModel) -> np.ndarray:
    """Draws the output grid: the mean face, the same flattened, and as a geometry image.

    Face and flattening have the same checkerboard. Its squares are of equal size in the texture,
    and show on the face how the flattening distorts them.

    Args:
        model: the face model.

    Returns:
        uint8 RGB picture of three panels.

    Source:
        Bas et al. 2017, Figure 3.
    """
    checkerboard = _checkerboard(model.grid_shape)
    colours = checkerboard.reshape(-1, 3)
    layout = layout_picture(model)
    squares = cv2.resize(checkerboard, layout.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    flattened = np.round(layout.astype(float) * squares / 255 * 1.15).clip(0, 255).astype(np.uint8)
    geometry = geometry_image(model)
    return tiled(
        [
            with_caption(picture, text)
            for picture, text in (
                (render_mesh(model.mean, model.triangles, _MODEL_SIZE, colours=colours), "mean"),
                (resized(flattened, _MODEL_SIZE), "flattened, with landmarks"),
                (resized(geometry, _MODEL_SIZE), "geometry image: x, y, z as RGB"),
            )
        ],
        columns=3,
    )


def pipeline_figure(photograph: np.ndarray, face: NormalisedFace, model: GridModel) -> np.ndarray:
    """Draws the stages of a face in the network.

    From left to right: input; estimated shape in the estimated pose; sampled texture; visibility
    mask; masked texture.

    Args:
        photograph: `(height, width, 3)` uint8 RGB.
        face: the normaliser's result for a face in it.
        model: the normaliser's face model.

    Returns:
        uint8 RGB picture of five panels.

    Source:
        Bas et al. 2017, Figure 6.
    """
    grid = interpolate_grid(face.points.reshape(*face.grid_shape, 2), face.mask.shape)
    sampled = sample_photograph(photograph, grid)
    pictures = {
        "input": face_crop(photograph, face, _PIPELINE_SIZE),
        "estimated shape and pose": fitted_mesh(photograph, face, model, _PIPELINE_SIZE),
        "sampled": resized(sampled, _PIPELINE_SIZE),
        "visibility": _mask_picture(face.mask, _PIPELINE_SIZE),
        "masked": resized(face.texture, _PIPELINE_SIZE),
    }
    return tiled([with_caption(picture, text) for text, picture in pictures.items()], len(pictures))


def person_figure(photographs: Sequence[np.ndarray], faces: Sequence[NormalisedFace]) -> np.ndarray:
    """Draws faces of one person: in the upper row as photographed, below their textures.

    Args:
        photographs: each `(height, width, 3)` uint8 RGB.
        faces: the face in each of them.

    Returns:
        uint8 RGB picture of two rows.

    Source:
        Bas et al. 2017, Figure 7.
    """
    inputs = [
        face_crop(photograph, face, _SMALL_SIZE)
        for photograph, face in zip(photographs, faces, strict=True)
    ]
    textures = [resized(face.texture, _SMALL_SIZE) for face in faces]
    return tiled(inputs + textures, len(faces))


def texture_montage(faces: Sequence[NormalisedFace], size: int, columns: int) -> np.ndarray:
    """Puts the textures of many faces side by side.

    Args:
        faces: the faces.
        size: side of each texture in the picture, pixels.
        columns: textures in a row.

    Returns:
        uint8 RGB picture.
    """
    return tiled([resized(face.texture, size) for face in faces], columns)


def mean_texture_figure(
    textures: Mapping[str, np.ndarray], counts: Mapping[str, int], columns: int = 5
) -> np.ndarray:
    """Draws mean textures with names and, in parentheses, the number of faces in each mean.

    Args:
        textures: names, with underscores for spaces, to `(S, S, 3)` uint8 RGB.
        counts: the same names to numbers.
        columns: pictures in a row.

    Returns:
        uint8 RGB picture.
    """
    pictures = [
        with_caption(resized(texture, _SMALL_SIZE), f"{name.replace('_', ' ')} ({counts[name]})")
        for name, texture in textures.items()
    ]
    return tiled(pictures, columns)


def face_crop(photograph: np.ndarray, face: NormalisedFace, size: int) -> np.ndarray:
    """Returns the square that the network sees of a face, `(size, size, 3)`."""
    return warp(photograph, framing.crop_matrix(face.box, size), size)


def fitted_mesh(
    photograph: np.ndarray, face: NormalisedFace, model: GridModel, size: int
) -> np.ndarray:
    """Draws the estimated shape in its pose over the square that the network sees."""
    matrix = framing.crop_matrix(face.box, size)
    pixels_per_millimetre = np.exp(face.parameters["log_scale"]) * matrix[0, 0]
    depth = (face.vertices @ face.rotation_matrix.T)[:, 2] * pixels_per_millimetre
    points = framing.apply_similarity(matrix, face.points)
    posed = np.concatenate([points, depth[:, None]], axis=1)
    middle = np.full(2, (size - 1) / 2)
    # What changes with a white background is the share of background in a pixel.
    black, white = (
        render_mesh(posed, model.triangles, size, frame=(middle, size), background=(b, b, b))
        for b in (0, 255)
    )
    background = (white.astype(float) - black) / 255
    crop = warp(photograph, matrix, size)
    return np.round(black + background * crop).clip(0, 255).astype(np.uint8)


def _mask_picture(mask, size):
    """Returns a mask in black and white, with an edge that is visible on white."""
    picture = cv2.resize(mask.astype(np.uint8) * 255, (size, size), interpolation=cv2.INTER_NEAREST)
    picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    return cv2.rectangle(picture, (0, 0), (size - 1, size - 1), (190, 190, 190), 1)


def _checkerboard(grid_shape):
    """Returns the colours `(H', W', 3)` uint8 of a checkerboard on a grid."""
    row, column = np.indices(grid_shape)
    rows, columns = grid_shape
    is_light = (row * _SQUARES // rows + column * _SQUARES // columns) % 2 == 0
    return np.where(is_light[..., None], _LIGHT, _DARK).astype(np.uint8)
