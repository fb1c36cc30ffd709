"""A face model as the page reads it: 16-bit integers with their scales."""

from typing import Any

import numpy as np

from keras_3dmmstn.export.mobile.surface_factors import factorise_basis
from keras_3dmmstn.mesh import GridModel

#: Patterns along rows and columns to which the basis is reduced, as in the TensorFlow Lite files.
RANK = 48

_LARGEST = 2**15 - 1


def surface_file(grid_model: GridModel, focal_length: float | None) -> tuple[dict[str, Any], bytes]:
    """Returns what the page needs to know about a face model, and the content of its file.

    The file contains the mean `(H'·W', 3)`, the patterns along rows `(H', a)` and columns
    `(W', b)`, and the core `(modes, 3, b, a)` of `SurfaceFactors`, all as little-endian 16-bit
    integers. Each has a scale; the core has one for each mode.

    Args:
        grid_model: the face model.
        focal_length: focal length of the network's camera in sides of its input; None for
            orthographic.
    """
    factors = factorise_basis(grid_model, RANK)
    parts = {
        "mean": grid_model.mean,
        "rows": factors.rows,
        "columns": factors.columns,
        "core": factors.core.reshape(grid_model.modes, -1),
    }
    scales, content = {}, b""
    for name, values in parts.items():
        largest = np.abs(values).max(axis=1 if name == "core" else None)
        scale = np.maximum(largest, np.finfo(np.float32).tiny) / _LARGEST
        scales[name] = np.asarray(scale, float).tolist()
        content += np.round(values / np.expand_dims(scale, -1)).astype("<i2").tobytes()
    about = {
        "name": grid_model.name,
        "grid": [*grid_model.grid_shape],
        "modes": grid_model.modes,
        "rank": [factors.rows.shape[1], factors.columns.shape[1]],
        "scales": scales,
        "focal_length": focal_length,
    }
    return about, content
