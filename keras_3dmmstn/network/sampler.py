"""The sampler of the paper's Figure 1: samples the image at the grid's points, and masks it."""

from typing import Any

import numpy as np

from keras_3dmmstn import layers
from keras_3dmmstn.mesh import GridModel, occlusion_table, visibility_rims
from keras_3dmmstn.mesh.finer_grid import texture_shape
from keras_3dmmstn.network.grid_generator import FLOAT32, PosedFace

# For every so many columns of the grid, the mask's majority includes one more vertex on each side.
_COLUMNS_PER_STEP = 56


def sampler(
    image: Any,
    face: PosedFace,
    grid_model: GridModel,
    visibility: str = "depth",
    texture_size: int | None = None,
) -> tuple[Any, Any]:
    """Appends the layers of the sampler to an image and a posed face.

    Args:
        image: `(batch, height, width, 3)` symbolic tensor.
        face: from `grid_generator`.
        grid_model: the face model.
        visibility, texture_size: as for `spatial_transformer`.

    Returns:
        The masked texture `(batch, H', W', 3)` and the mask `(batch, H', W', 1)`; with a texture
        size S, `(batch, S, S, 3)` and `(batch, S, S, 1)`.

    Raises:
        ValueError: if `visibility` is unknown or `texture_size` out of its range.

    Source:
        Bas et al. 2017, sec. 2.3.
    """
    shape = texture_shape(texture_size, grid_model.grid_shape)
    grid = layers.ResampledGrid(grid_model.grid_shape, name="resampled_grid", **FLOAT32)(
        face.points
    )
    mask = self_occlusion(face.seen, face.rotation, grid_model, visibility)
    if shape != grid_model.grid_shape:
        grid = layers.FinerGrid(shape, name="finer_grid", **FLOAT32)(grid)
        mask = layers.FinerMask(shape, name="finer_mask", **FLOAT32)(mask)
    sampled = layers.BilinearSampler(name="bilinear_sampler", **FLOAT32)(image, grid)
    texture = layers.VisibilityMasking(name="texture", **FLOAT32)(sampled, mask)
    return texture, mask


def self_occlusion(seen: Any, rotation: Any, grid_model: GridModel, visibility: str) -> Any:
    """Appends the layer that finds which vertices the viewer sees.

    On a grid of 112 columns, the majority of 5 × 5 vertices decides.

    Args:
        seen, rotation: from a `PosedFace`.
        grid_model: the face model.
        visibility: as for `spatial_transformer`.

    Returns:
        `(batch, H', W', 1)` mask.

    Raises:
        ValueError: if `visibility` is unknown.
    """
    table = occlusion_table(grid_model) if visibility == "table" else None
    rims, majority = mask_cleaning(grid_model)
    mask = layers.SelfOcclusionMask(
        grid_model.grid_shape, visibility, table, rims, majority, name="mask", **FLOAT32
    )
    return mask(seen, rotation)


def mask_cleaning(grid_model: GridModel) -> tuple[np.ndarray | None, int]:
    """Returns the rims and the majority of a model's `SelfOcclusionMask`."""
    rims = visibility_rims(grid_model) if grid_model.regions else None
    return rims, 2 * (grid_model.grid_shape[1] // _COLUMNS_PER_STEP) + 1
