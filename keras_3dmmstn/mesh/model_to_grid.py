"""Turns a model of heads, or of other objects, into a grid: cuts, flattens and re-meshes it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from keras_3dmmstn.mesh.cutting.face_region import cut_face
from keras_3dmmstn.mesh.feature_regions import with_feature_regions
from keras_3dmmstn.mesh.flattening.emphasis import feature_magnification
from keras_3dmmstn.mesh.flattening.flatten import check_disc, flatten_symmetric
from keras_3dmmstn.mesh.flattening.flatten_disc import flatten_disc
from keras_3dmmstn.mesh.flattening.least_distortion import flatten_least_distorted
from keras_3dmmstn.mesh.flattening.resample import resample
from keras_3dmmstn.mesh.flattening.symmetry import find_mirror
from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.shape_model import ShapeModel

#: How a face can be flattened.
FLATTENINGS = ("tutte", "least-distortion")
_LARGEST_EMPHASIS = 2.0


@dataclass(frozen=True)
class FlattenedFace:
    """A model of faces, or of other objects, its flattening, and the model on a grid.

    Attributes:
        face: the face as one mirror-symmetric disc; or another surface, unchanged.
        uv: `(N, 2)` positions of its vertices in the unit square.
        grid_model: the model on the grid.
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
    emphasis: float = 0.0,
    progress: Callable[[str], None] = lambda step: None,
) -> FlattenedFace:
    """Cuts the face out of a model, flattens it and re-meshes it on an H'×W' grid.

    Args:
        model: any head or face, roughly symmetric about x = 0; any object with the region `"disc"`.
        grid_shape: (H', W'), rows and columns.
        region, radius, centre, keep_cavities: which part of the head is taken, see `cut_face`; or
            `"disc"`: the surface is one disc, of any object, and is not cut. If its triangles are
            mirror symmetric about x = 0, so is its grid; if not, `flatten_disc` flattens it.
        evenness: 0 for the paper's flattening; larger values give nose and mouth more room, see
            `flatten_symmetric`.
        flattening: `"tutte"`, as in the paper; or `"least-distortion"`, which starts from it and
            takes up to a minute, see `flatten_least_distorted`.
        emphasis: how much more room eyes, mouth and the middle of the face get in the flattening of
            least distortion: 0 none, 1 as much as in the bundled face, see `feature_magnification`.
            Needs the landmarks `ibug68`.
        progress: called three times with a description of the next step.

    Raises:
        ValueError: if the surface cannot be cut or flattened, `flattening` is unknown, or
            `emphasis` is out of range or conflicts with the other arguments; the message says why.
    """
    if flattening not in FLATTENINGS:
        raise ValueError(
            f"model_to_grid expects `flattening` among {', '.join(FLATTENINGS)}, received "
            f"{flattening!r}."
        )
    if not 0 <= emphasis <= _LARGEST_EMPHASIS or (emphasis and flattening == "tutte"):
        raise ValueError(
            f"model_to_grid expects `emphasis` from 0 to {_LARGEST_EMPHASIS:g}, and 0 with the "
            f'flattening "tutte", received {emphasis} with {flattening!r}.'
        )
    if emphasis and "ibug68" not in model.landmarks:
        raise ValueError("model_to_grid expects landmarks ibug68 for an `emphasis`, received none.")
    progress("Cutting out the face")
    if region == "disc":
        face = _with_mirror(model)
    else:
        face = cut_face(model, region, radius, centre, keep_cavities)
    progress("Flattening it")
    surface, symmetric = (face.mean, face.triangles), face.mirror is not None
    if symmetric:
        uv = flatten_symmetric(*surface, face.mirror, evenness)
    else:
        uv = flatten_disc(*surface, evenness=evenness)
    if flattening == "least-distortion":
        room = None
        if emphasis:
            room = feature_magnification(face.mean, face.landmarks["ibug68"], emphasis)
        uv = flatten_least_distorted(*surface, face.mirror, room, start=uv, symmetric=symmetric)
    progress("Re-meshing it on the grid")
    return FlattenedFace(face, uv, with_feature_regions(resample(face, uv, grid_shape)))


def _with_mirror(model):
    """Returns a disc with its mirror map, or without one if its triangles are not symmetric."""
    check_disc(model.triangles.astype(np.int64), len(model.mean))
    if model.mirror is not None:
        return model
    try:
        return replace(model, mirror=find_mirror(model.mean, model.triangles))
    except ValueError:
        return model
