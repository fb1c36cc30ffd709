"""From any head model to its face on a grid: cut, flatten, re-mesh."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.mesh.cutting.face_region import cut_face
from keras_3dmmstn.mesh.flattening.flatten import flatten_symmetric
from keras_3dmmstn.mesh.flattening.least_distortion import flatten_least_distorted
from keras_3dmmstn.mesh.flattening.resample import resample
from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.shape_model import ShapeModel

#: How a face can be flattened.
FLATTENINGS = ("tutte", "least-distortion")


@dataclass(frozen=True)
class FlattenedFace:
    """A face model, its flattening, and both on a grid.

    Attributes:
        face: the face as one mirror-symmetric disc.
        uv: `(N, 2)` where its vertices lie in the unit square.
        grid_model: the same on the grid.
    """

    face: ShapeModel
    uv: np.ndarray
    grid_model: GridModel


def model_to_grid(
    model: ShapeModel,
    grid_shape: tuple[int, int] = (112, 112),
    region: str = "face",
    radius: float = 110.0,
    centre: tuple[float, float, float] | None = None,
    keep_cavities: bool = False,
    evenness: float = 0.5,
    flattening: str = "tutte",
    progress: Callable[[str], None] = lambda step: None,
) -> FlattenedFace:
    """Cuts the face out of a model, flattens it and re-meshes it on an H'×W' grid.

    Args:
        model: any head or face, roughly symmetric about x = 0.
        grid_shape: (H', W'), rows and columns.
        region, radius, centre, keep_cavities: what of the head is taken, see `cut_face`.
        evenness: 0 for the paper's flattening; more gives nose and mouth more room, see
            `flatten_symmetric`.
        flattening: `"tutte"`, as in the paper; or `"least-distortion"`, which begins there and
            takes up to a minute, see `flatten_least_distorted`.
        progress: called with what is done next, three times.

    Raises:
        ValueError: if the surface cannot be cut or flattened, or `flattening` is unknown; the
            message says why.
    """
    if flattening not in FLATTENINGS:
        raise ValueError(
            f"model_to_grid expects `flattening` among {', '.join(FLATTENINGS)}, received "
            f"{flattening!r}."
        )
    progress("Cutting out the face")
    face = cut_face(model, region, radius, centre, keep_cavities)
    progress("Flattening it")
    uv = flatten_symmetric(face.mean, face.triangles, face.mirror, evenness)
    if flattening == "least-distortion":
        uv = flatten_least_distorted(face.mean, face.triangles, face.mirror, start=uv)
    progress("Re-meshing it on the grid")
    return FlattenedFace(face, uv, resample(face, uv, grid_shape))
