"""Faces of photographs as their textures' pixels, at a size that all face models share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.inference.texture import sample_photograph
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.finer_grid import interpolate_grid
from keras_3dmmstn.mesh.head_pose import yaw_of_rotation
from keras_3dmmstn.network import framing


@dataclass(frozen=True, eq=False)
class TextureFace:
    """A face as the pixels of its texture.

    Attributes:
        points: `(size, size, 2)` float32, where the texels are in the photograph.
        mask: `(size, size)` bool, which of them are visible.
        yaw: of the fit, degrees.
        box: `(4,)` x0, y0, x1, y1, which the face was framed by.
    """

    points: np.ndarray
    mask: np.ndarray
    yaw: float
    box: np.ndarray

    def texture(self, photograph: np.ndarray) -> np.ndarray:
        """Returns the texture `(size, size, 3)` uint8, hidden places not blackened."""
        return sample_photograph(photograph, self.points)


def texture_face(face: NormalisedFace, size: int) -> TextureFace:
    """Returns a normalised face, whose texture has the grid's own size, at another size."""
    grid = face.points.reshape(*face.mask.shape, 2)
    mask = interpolate_grid(face.mask[..., None].astype(np.float32), (size, size))[..., 0] > 0.5
    yaw = float(np.degrees(yaw_of_rotation(face.rotation_matrix)))
    return TextureFace(interpolate_grid(grid, (size, size)), mask, yaw, face.box)


def fitted_photographs(
    normaliser: Normaliser,
    paths: Sequence[Path],
    boxes: np.ndarray,
    size: int,
    looks: int = 1,
) -> Iterator[tuple[int, np.ndarray, TextureFace]]:
    """Yields the number of each photograph, the photograph, and its face.

    Args:
        normaliser: what fits the faces.
        paths: the photographs; an orientation in EXIF does not count.
        boxes: `(n, 4)` the face's box in each; photographs whose box is NaN are left out.
        size: of the textures.
        looks: how often a face is fitted: a second look is framed by the landmarks of the first.
    """
    for number, (path, box) in enumerate(zip(paths, boxes, strict=True)):
        if not np.isfinite(box).all():
            continue
        photograph = read_photograph(path, upright=False)
        (face,) = normaliser(photograph, box[None])
        for _ in range(looks - 1):
            (face,) = normaliser(photograph, framing.tight_box(face.landmarks())[None])
        yield number, photograph, texture_face(face, size)


def texel_areas(model: GridModel, size: int) -> np.ndarray:
    """Returns what each texel `(size, size)` covers of the mean face, mm²."""
    surface = surface_of(model, size)
    along, down = np.gradient(surface, axis=1), np.gradient(surface, axis=0)
    return np.linalg.norm(np.cross(along, down), axis=-1)


def surface_of(model: GridModel, size: int) -> np.ndarray:
    """Returns where the texels lie on the mean face, `(size, size, 3)` mm."""
    return interpolate_grid(model.mean.reshape(*model.grid_shape, 3), (size, size)).astype(float)
