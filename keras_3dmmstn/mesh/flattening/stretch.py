"""How much a flattening stretches the surface around each vertex."""

import igl
import numpy as np


def vertex_stretch(vertices: np.ndarray, triangles: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Measures the L² stretch of the map from the plane to the surface.

    For a triangle it is √((Γ² + γ²) / 2), the root mean square of the factors by which the map
    from the plane to the surface lengthens directions; Γ and γ are the extremes. For a vertex it
    is the root mean square over its triangles, weighted by area. It is large where the flattening
    crowds much surface into a small area.

    Args:
        vertices: `(N, 3)`.
        triangles: `(T, 3)`, all with an area in the plane.
        uv: `(N, 2)`.

    Returns:
        `(N,)`; 0 at vertices that are in no triangle.

    Source:
        Sander et al. 2001, Texture mapping progressive meshes, sec. 3; per vertex: Yoshizawa et
        al. 2004, A fast and simple stretch-minimizing mesh parameterization, eq. (4).
    """
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    (pu, pv), (qu, qv), (ru, rv) = (uv[triangles[:, k]].T[:, :, None] for k in range(3))
    double_area = (qu - pu) * (rv - pv) - (qv - pv) * (ru - pu)
    along_u = (a * (qv - rv) + b * (rv - pv) + c * (pv - qv)) / double_area
    along_v = (a * (ru - qu) + b * (pu - ru) + c * (qu - pu)) / double_area
    squared = ((along_u**2).sum(axis=1) + (along_v**2).sum(axis=1)) / 2

    area = igl.doublearea(vertices, triangles)
    corner = triangles.ravel()
    total = np.bincount(corner, np.repeat(area, 3), len(vertices))
    weighted = np.bincount(corner, np.repeat(area * squared, 3), len(vertices))
    return np.sqrt(np.divide(weighted, total, out=np.zeros(len(vertices)), where=total > 0))
