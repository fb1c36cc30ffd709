"""Photographs of faces for comparing an export, and for the ranges of integers."""

from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn.drawing.render import render_mesh
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.crops import Skipped
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.evaluation.framed_faces import frame_faces, random_moves

# The tight box of the 68 landmarks in assets/portrait.jpg.
_PORTRAIT_BOX = np.array([88.0, 87.0, 181.0, 179.0])

# At most this many faces are taken from a folder, evenly spread.
_MOST_FACES = 100


def portrait_photographs(image_size: int) -> np.ndarray:
    """Returns the portrait that comes with the package as eight different photographs.

    They are upright or turned in the image, near or far, mirrored, dim, bright, blurred, grey, or
    half outside the image.

    Args:
        image_size: side of the square crops in pixels.

    Returns:
        `(8, image_size, image_size, 3)` float32, RGB in 0..255; the same in every call.
    """
    with resources.as_file(resources.files("keras_3dmmstn.assets") / "portrait.jpg") as path:
        portrait = read_photograph(path)

    def crop(degrees=0.0, zoom=1.0, shift=0.0):
        matrix = framing.crop_matrix(_PORTRAIT_BOX, image_size)
        middle = (image_size - 1) / 2
        turn = cv2.getRotationMatrix2D((middle, middle), degrees, zoom)
        turned = turn[:, :2] @ matrix
        turned[:, 2] += turn[:, 2] + [shift * image_size, 0]
        return warp(portrait, turned, image_size)

    upright = crop().astype(np.float32)
    photographs = [
        upright,
        crop(degrees=20),
        crop(zoom=0.8)[:, ::-1],
        crop(degrees=-12, zoom=1.2),
        0.4 * upright,
        np.minimum(1.3 * upright + 20, 255),
        cv2.GaussianBlur(upright, (0, 0), image_size / 80),
        np.repeat(crop(shift=0.45).mean(axis=-1, keepdims=True), 3, axis=-1),
    ]
    return np.stack(photographs).astype(np.float32)


def rendered_photographs(grid_model: GridModel, image_size: int, count: int = 4) -> np.ndarray:
    """Renders random faces of a model in different colours, poses and expressions.

    Args:
        grid_model: the face model.
        image_size: side of the square crops in pixels.
        count: how many faces.

    Returns:
        `(count, image_size, image_size, 3)` float32, RGB in 0..255; the same in every call.
    """
    rng = np.random.default_rng(0)
    photographs = []
    for _ in range(count):
        coefficients = rng.normal(0, 0.7, grid_model.modes)
        vertices = grid_model.mean + np.tensordot(coefficients, grid_model.basis, 1)
        points = vertices[:, :2]
        if "ibug68" in grid_model.landmarks:
            points = points[grid_model.landmarks["ibug68"]]
        x, y, side = framing.crop_square(framing.tight_box(points))
        # Blotchy skin, so that a sample at another place has another colour.
        blotches = np.array([222.0, 184, 160]) * rng.uniform(0.5, 1.1, (14, 14, 3))
        colours = cv2.resize(blotches, grid_model.grid_shape[::-1])
        picture = render_mesh(
            vertices,
            grid_model.triangles,
            image_size,
            colours=np.asarray(colours).reshape(-1, 3),
            axis_angle=tuple(rng.normal(0, 0.25, 3)),
            frame=(np.array([x, y]), side),
            background=tuple(rng.integers(0, 256, 3).tolist()),
        )
        photographs.append(picture)
    return np.stack(photographs).astype(np.float32)


def chosen_photographs(path: str | Path, image_size: int) -> np.ndarray:
    """Reads photographs chosen by the user.

    Args:
        path: a photograph with a face in its middle, from which the largest square is taken; or a
            folder of labelled photographs that `read_faces` reads, from which at most a hundred
            faces are taken, framed by their labels.
        image_size: side of the square crops in pixels.

    Returns:
        `(n, image_size, image_size, 3)` float32, RGB in 0..255.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ValueError: if it is not an image, or a folder without a labelled face.
    """
    path = Path(path)
    if not path.is_dir():
        return middle_crop(path, image_size)[None]
    faces = read_faces([path])
    faces = faces.choose(np.unique(np.linspace(0, len(faces) - 1, _MOST_FACES).astype(int)))
    skipped: list[Skipped] = []
    framed = frame_faces(faces, random_moves(len(faces), 0.0, 0), skipped)
    crops = [
        warp(face.photograph, framing.crop_matrix(face.frames[0], image_size), image_size)
        for face in framed
    ]
    if not crops:
        raise ValueError(f"{path}: expected a face that can be cut out: {skipped[0].reason}.")
    return np.stack(crops).astype(np.float32)


def middle_crop(path: str | Path, image_size: int) -> np.ndarray:
    """Reads a photograph and scales the largest square in its middle.

    Args:
        path: the photograph.
        image_size: side of the result in pixels.

    Returns:
        `(image_size, image_size, 3)` float32, RGB in 0..255.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not an image.
    """
    image = read_photograph(path)
    height, width = image.shape[:2]
    scale = image_size / min(height, width)
    shift = (image_size - 1) / 2 - scale * (np.array([width, height]) - 1) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return warp(image, matrix, image_size).astype(np.float32)
