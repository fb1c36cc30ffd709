"""Which parts of the mean face hide behind others, for view directions all over the sphere."""

import numpy as np

from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.visibility.ray_casting import grid_normals, occluded_vertices


def occlusion_table(grid_model: GridModel, step: float = 10.0) -> np.ndarray:
    """Computes the table of `ops.self_occlusion_mask_by_table` for a model's mean, by ray casting.

    For the 112×112 grid and steps of 10°, the table takes 1.1 MB and some ten seconds to compute.

    Args:
        grid_model: the face model.
        step: degrees between neighbouring directions; divides 180.

    Returns:
        `(180 / step + 1, 360 / step + 1, ⌈N / 8⌉)` uint8, one bit per vertex, the lowest first: 1
        if the vertex faces a viewer in that direction and another part of the face is in between.

    Raises:
        ValueError: if `step` does not divide 180.
    """
    if step <= 0 or not float(180 / step).is_integer():
        raise ValueError(f"occlusion_table expects `step` to divide 180 degrees, received {step}.")
    directions = table_directions(round(180 / step) + 1, round(360 / step) + 1)
    occluded = occluded_vertices(
        grid_model.mean,
        grid_model.triangles,
        grid_normals(grid_model.mean, grid_model.grid_shape),
        directions.reshape(-1, 3),
    )
    return np.packbits(occluded, axis=-1, bitorder="little").reshape(*directions.shape[:2], -1)


def table_directions(rows: int, columns: int) -> np.ndarray:
    """Returns the directions of a table's entries, towards the viewer, `(rows, columns, 3)`.

    Entry (0, 0) is that of a viewer above (−y), the middle entry that of a viewer in front (−z);
    columns further right are those of viewers at image-right (+x).
    """
    latitude = np.radians(np.linspace(-90, 90, rows))[:, None]
    longitude = np.radians(np.linspace(-180, 180, columns))[None, :]
    return np.stack(
        [
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude) + 0 * longitude,
            -np.cos(latitude) * np.cos(longitude),
        ],
        axis=-1,
    )
