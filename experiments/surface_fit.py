"""A face, or a face model, brought onto points of a surface."""

from dataclasses import dataclass

import igl
import numpy as np
from scipy.spatial.transform import Rotation

from keras_3dmmstn.mesh.landmark_transfer import fit_similarity

# Standard deviation σ of a point from the face model's surface, millimetres.
_DEVIATION = 2.0
_ROUNDS = 15
# Added to the diagonal of the normal equations for the pose, which has no prior.
_DAMPING = 1e-6
# Rotation, shift and scale.
_POSE = 7


@dataclass(frozen=True)
class Placement:
    """A similarity: x to s R x + t."""

    scale: float
    rotation: np.ndarray
    shift: np.ndarray

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Returns s R x + t of points `(N, 3)`."""
        return self.scale * points @ self.rotation.T + self.shift

    def undone(self, points: np.ndarray) -> np.ndarray:
        """Returns the points x that it takes to points `(N, 3)`."""
        return (points - self.shift) @ self.rotation / self.scale


UNMOVED = Placement(1.0, np.eye(3), np.zeros(3))


@dataclass(frozen=True)
class SurfaceFit:
    """A face on points of a surface.

    Attributes:
        placement: of the face.
        coefficients: `(modes,)` α.
        vertices: `(N, 3)` of the face, placed.
        distance: mean distance of the points from it.
    """

    placement: Placement
    coefficients: np.ndarray
    vertices: np.ndarray
    distance: float


def similarity(points: np.ndarray, targets: np.ndarray, rigid: bool = False) -> Placement:
    """Returns the similarity, or rigid motion, that brings points `(N, 3)` nearest to targets."""
    scale, rotation, shift = fit_similarity(points, targets)
    if rigid:
        scale, shift = 1.0, targets.mean(axis=0) - rotation @ points.mean(axis=0)
    return Placement(scale, rotation, shift)


def fit_surface(
    points: np.ndarray,
    mean: np.ndarray,
    triangles: np.ndarray,
    basis: np.ndarray | None = None,
    *,
    start: Placement = UNMOVED,
    rigid: bool = False,
    rounds: int = _ROUNDS,
) -> SurfaceFit:
    """Brings the face s R (mean + Σ α_k basis_k) + t onto points, all of which lie on it.

    Gauss-Newton for Σ (n · (p − x))² / σ² + |α|², where x is the place of the face nearest to a
    point p and n its normal there; s, R and t have no prior. Without modes this is the iterated
    closest points with distances from planes.

    Args:
        points: `(P, 3)`.
        mean: `(N, 3)` vertices.
        triangles: `(T, 3)`, counter-clockwise seen from outside.
        basis: `(modes, N, 3)`; None for a face of one shape.
        start: the placement to begin with.
        rigid: whether s stays as it is at the start.
        rounds: of Gauss-Newton.

    Source:
        Chen & Medioni 1992, "Object modelling by registration of multiple range images".
    """
    mean = mean.astype(float)
    basis = np.zeros((0, *mean.shape)) if basis is None else basis.astype(float)
    triangles = triangles.astype(np.int64)
    placement, alpha = start, np.zeros(len(basis))
    for _ in range(rounds):
        vertices = placement.placed(mean + np.tensordot(alpha, basis, 1))
        step, middle = _step(points, vertices, triangles, basis, placement, alpha, rigid)
        turn, growth = Rotation.from_rotvec(step[:3]).as_matrix(), np.exp(step[6])
        shift = growth * turn @ (placement.shift - middle) + middle + step[3:6]
        placement = Placement(growth * placement.scale, turn @ placement.rotation, shift)
        alpha = alpha + step[_POSE:]
    vertices = placement.placed(mean + np.tensordot(alpha, basis, 1))
    squared = igl.point_mesh_squared_distance(points, vertices, triangles)[0]
    return SurfaceFit(placement, alpha, vertices, float(np.sqrt(squared).mean()))


def _step(points, vertices, triangles, basis, placement, alpha, rigid):
    """Returns the step of (rotation, shift, log s, α), and the point about which it turns."""
    _, found, closest = igl.point_mesh_squared_distance(points, vertices, triangles)
    met = triangles[found]
    a, b, c = (np.ascontiguousarray(vertices[met[:, corner]]) for corner in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    shares = igl.barycentric_coordinates(closest, a, b, c)
    middle = closest.mean(axis=0)
    away = closest - middle
    growth = 0 if rigid else np.einsum("px,px->p", away, normals)[:, None]
    # The normals, turned back into the frame of the modes.
    unturned = placement.scale * normals @ placement.rotation
    modes = np.einsum("pk,mpkx,px->pm", shares, basis[:, met], unturned, optimize=True)
    jacobian = np.zeros((len(points), _POSE + len(alpha)))
    jacobian[:, :3], jacobian[:, 3:6] = np.cross(away, normals), normals
    jacobian[:, 6:_POSE], jacobian[:, _POSE:] = growth, modes
    jacobian /= _DEVIATION
    residual = np.einsum("px,px->p", points - closest, normals) / _DEVIATION
    prior = np.append(np.full(_POSE, _DAMPING), np.ones(len(alpha)))
    pull = np.append(np.zeros(_POSE), alpha)
    normal_matrix = jacobian.T @ jacobian + np.diag(prior)
    return np.linalg.solve(normal_matrix, jacobian.T @ residual - pull), middle
