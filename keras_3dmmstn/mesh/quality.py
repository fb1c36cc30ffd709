"""How good a flattening is: flipped triangles, angle and area distortion, symmetry, features."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.landmark_sets import MIRROR
from keras_3dmmstn.mesh.shape_model import ShapeModel

# The points of ibug68 whose convex hull is the feature.
_FEATURES = {
    "eyes": (range(36, 42), range(42, 48)),
    "nose": (range(27, 36),),
    "mouth": (range(48, 60),),
}


@dataclass(frozen=True)
class Distortion:
    """How a flattening distorts the surface's angles and areas.

    Attributes:
        flipped: how many triangles are flipped or have no area in the plane.
        angle_mean, angle_95: mean and 95 % quantile of σ₁ / σ₂ over the surface; 1 is best.
        area_mean, area_95: the same of max(a, 1/a), a = σ₁σ₂ over its mean on the surface; 1 is
            best.
    """

    flipped: int
    angle_mean: float
    angle_95: float
    area_mean: float
    area_95: float


def measure_distortion(vertices: np.ndarray, triangles: np.ndarray, uv: np.ndarray) -> Distortion:
    """Measures the distortion of a flattening, see `triangle_distortions`."""
    angle, area_change, area, flipped = triangle_distortions(vertices, triangles, uv)
    return Distortion(
        flipped=flipped,
        angle_mean=float(np.average(angle, weights=area)),
        angle_95=weighted_quantile(angle, area, 0.95),
        area_mean=float(np.average(area_change, weights=area)),
        area_95=weighted_quantile(area_change, area, 0.95),
    )


def triangle_distortions(
    vertices: np.ndarray, triangles: np.ndarray, uv: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Measures the distortion of each triangle by the singular values of its map to the plane.

    Args:
        vertices: `(N, 3)`.
        triangles: `(T, 3)` vertex indices.
        uv: `(N, 2)` positions in the plane.

    Returns:
        For the triangles that have an area on the surface: σ₁ / σ₂; max(a, 1/a), a = σ₁σ₂ over its
        mean; their areas; and how many of all triangles are flipped or have no area in the plane.

    Source:
        Floater & Hormann 2005, Surface parameterization: a tutorial and survey, sec. 5.
    """
    a, b, c = (np.asarray(vertices, np.float64)[triangles[:, k]] for k in range(3))
    p, q, r = (np.asarray(uv, np.float64)[triangles[:, k]] for k in range(3))
    flat_area = _cross_2d(q - p, r - p) / 2
    if not len(triangles) or not flat_area.any():
        raise ValueError("measure_distortion expects triangles with an area in the plane.")
    flat_area = flat_area * np.sign(np.median(flat_area))

    # In the triangle's own plane: b at (length, 0), c at (along, height).
    length = np.linalg.norm(b - a, axis=1)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    seen = area > 1e-12 * area.max()
    length, area, flat = length[seen], area[seen], flat_area[seen]
    along = np.einsum("tx,tx->t", (b - a)[seen], (c - a)[seen]) / length
    first = (q - p)[seen] / length[:, None]
    second = ((r - p)[seen] - along[:, None] * first) / (2 * area / length)[:, None]

    # σ₁² + σ₂² and σ₁σ₂ of the matrix with the columns `first` and `second`.
    total = (first**2).sum(axis=1) + (second**2).sum(axis=1)
    product = np.abs(flat) / area
    root = np.sqrt(np.maximum(total**2 - 4 * product**2, 0))
    angle = np.full(len(total), np.inf)
    np.divide((total + root) / 2, product, out=angle, where=product > 0)
    relative = product * area.sum() / np.abs(flat).sum()
    area_change = np.full(len(total), np.inf)
    np.divide(1.0, relative, out=area_change, where=relative > 0)
    area_change = np.maximum(relative, area_change)
    return angle, area_change, area, int(np.sum(flat_area <= 0))


def mirror_errors(vertices: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Returns how far each vertex lies from the reflection of its mirror image about x = 0.

    Args:
        vertices: `(N, 3)`.
        mirror: `(N,)` index of each vertex's mirror image.

    Returns:
        `(N,)` distances in the unit of the vertices.
    """
    return np.linalg.norm(vertices - vertices[mirror] * [-1, 1, 1], axis=1)


def feature_shares(uv: np.ndarray, ibug68: np.ndarray) -> dict[str, float]:
    """Returns the shares of the unit square that eyes, nose and mouth take.

    The share is the area of the convex hull of the feature's landmarks: the corners and lids of
    the eyes (both eyes together), the bridge and the base of the nose, the outer lips.

    Args:
        uv: `(N, 2)` in the unit square.
        ibug68: `(68,)` vertex indices.
    """
    return {
        name: float(sum(ConvexHull(uv[ibug68[list(part)]]).volume for part in parts))
        for name, parts in _FEATURES.items()
    }


def landmark_asymmetries(model: ShapeModel | GridModel, name: str) -> np.ndarray | None:
    """Returns how far each landmark of the mean lies from its partner's reflection about x = 0.

    Args:
        model: a model with the landmark set.
        name: the name of the set.

    Returns:
        Distances in millimetres, or None for a set whose partners are not known.
    """
    if name not in MIRROR:
        return None
    return mirror_errors(model.mean[model.landmarks[name]], MIRROR[name])


def grid_uv(grid_shape: tuple[int, int]) -> np.ndarray:
    """Returns the `(H'·W', 2)` positions (u, v) of a grid's vertices in the unit square."""
    rows, columns = grid_shape
    u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    return np.stack([u.ravel(), v.ravel()], axis=1)


def _cross_2d(a, b):
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """Returns the value below which `share` of the weight lies."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, share * cumulative[-1])])
