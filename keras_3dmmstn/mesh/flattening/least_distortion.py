"""The flattening of least distortion: it minimises the symmetric Dirichlet energy."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

from keras_3dmmstn.mesh.flattening.flatten import (
    check_disc,
    check_mirror,
    flatten_symmetric,
    image_left_triangles,
)
from keras_3dmmstn.mesh.flattening.flatten_disc import flatten_disc
from keras_3dmmstn.mesh.flattening.symmetry import find_mirror

# A step goes at most this fraction of the way to where the first triangle would lose its area.
_SAFE_SHARE = 0.9
# Sufficient decrease, and the smallest step tried.
_ARMIJO, _SMALLEST_STEP = 1e-4, 1e-10
# Iterations end when the energy falls by less than this fraction.
_CONVERGED = 1e-7


def flatten_least_distorted(
    vertices: np.ndarray,
    triangles: np.ndarray,
    mirror: np.ndarray | None = None,
    magnification: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    start: np.ndarray | None = None,
    iterations: int = 200,
    symmetric: bool = True,
) -> np.ndarray:
    """Flattens a disc onto the unit square with as little distortion as possible.

        E = Σ_t w_t A_t (‖J_t‖² + ‖J_t⁻¹‖²) / Σ_t w_t A_t

    over the triangles t of area A, with J the linear map from a triangle in space to its image,
    both scaled to the same total area. E is 4 if nothing is stretched and infinite if a triangle
    loses its area, so no triangle ever flips. It is minimised from the Tutte embedding by Newton
    steps with projected Hessians. Boundary vertices slide along their side, those of the symmetry
    line along u = ½; the corners stay. The other half is the reflection. Without symmetry, the
    whole surface is minimised at once.

    Args:
        vertices: `(N, 3)`, x right, y down.
        triangles: `(T, 3)` vertex indices, consistently oriented.
        mirror: `(N,)` index of each vertex's mirror image; None finds it (`find_mirror`).
        magnification: `(N,)` relative factor by which lengths around a vertex should grow; 1
            everywhere if None. Only the values of the image-left half count.
        weights: `(N,)` how much the distortion around a vertex counts, above 0; 1 if None.
        start: `(N, 2)` a flattening onto the square to start from, mirror symmetric and without
            flipped triangles; that of `flatten_symmetric` or `flatten_disc` if None.
        iterations: the maximum number of Newton steps.
        symmetric: False for a disc without symmetry; `mirror` is not used then.

    Returns:
        `(N, 2)` float64 coordinates (u, v), as from `flatten_symmetric` or `flatten_disc`.

    Raises:
        ValueError: as from those two; or if arguments have another shape or are not positive, or
            `start` does not fill the square or has flipped triangles.

    Source:
        Smith & Schaefer 2015, "Bijective parameterization with free boundaries" (energy, step to
        the first flip); Teran et al. 2005 (projected Hessians).
    """
    vertices = np.asarray(vertices, np.float64)
    triangles = np.asarray(triangles, np.int64)
    check_disc(triangles, len(vertices))
    if start is not None:
        start = _checked_start(start, len(vertices))
    if not symmetric:
        uv = flatten_disc(vertices, triangles) if start is None else start
        energy = _energy(vertices, triangles, magnification, weights, 1.0)
        return _minimised(energy, uv, (uv > 0) & (uv < 1), iterations)
    mirror = find_mirror(vertices, triangles) if mirror is None else np.asarray(mirror, np.int64)
    check_mirror(triangles, mirror)
    if start is None:
        start = flatten_symmetric(vertices, triangles, mirror)
    half = image_left_triangles(vertices, triangles, mirror)
    energy = _energy(vertices, half, magnification, weights)
    uv = _minimised(energy, start, _free(start, half, mirror), iterations)
    used = np.zeros(len(vertices), bool)
    used[half.ravel()] = True
    uv[~used] = uv[mirror[~used]] * [-1, 1] + [1, 0]
    return uv


@dataclass(frozen=True)
class _Energy:
    """The energy of a flattening of some triangles.

    With x_ik the coordinate i of a triangle's corner k, J_ij = Σ_k x_ik g_kj.

    Attributes:
        triangles: `(T, 3)`.
        gradients: `(T, 3, 2)` g, gradients of the corners' hat functions in the triangle's plane.
        weights: `(T,)`, adding up to 1.
    """

    triangles: np.ndarray
    gradients: np.ndarray
    weights: np.ndarray

    def jacobians(self, uv):
        """Returns J `(T, 2, 2)`."""
        return np.einsum("tki,tkj->tij", uv[self.triangles], self.gradients)

    def value(self, uv):
        """Returns E, infinite if a triangle is flipped."""
        jacobian = self.jacobians(uv)
        determinant = _determinants(jacobian)
        if determinant.min() <= 0:
            return np.inf
        squared = (jacobian**2).sum(axis=(1, 2))
        return float(self.weights @ (squared * (1 + determinant**-2)))

    def derivatives(self, uv):
        """Returns ∂E/∂J `(T, 4)` and the positive part of ∂²E/∂J² `(T, 4, 4)`.

        With f = ‖J‖², d = det J, C = ∂d/∂J and P = ∂C/∂J:

            ∂e = 2 (1 + d⁻²) J − 2 f d⁻³ C
            ∂²e = 2 (1 + d⁻²) I − 4 d⁻³ (J Cᵀ + C Jᵀ) + 6 f d⁻⁴ C Cᵀ − 2 f d⁻³ P
        """
        j = self.jacobians(uv).reshape(-1, 4)
        d = _determinants(j.reshape(-1, 2, 2))[:, None]
        c = j[:, ::-1] * [1, -1, -1, 1]
        f = (j**2).sum(axis=1, keepdims=True)
        first = 2 * (1 + d**-2) * j - 2 * f * d**-3 * c
        mixed = np.einsum("ti,tj->tij", j, c)
        second = -4 * d[..., None] ** -3 * (mixed + mixed.transpose(0, 2, 1))
        second += 6 * (f * d**-4)[..., None] * np.einsum("ti,tj->tij", c, c)
        second += 2 * (1 + d**-2)[..., None] * np.eye(4)
        second -= 2 * (f * d**-3)[..., None] * np.diag([1.0, -1.0, -1.0, 1.0])[:, ::-1]
        values, vectors = np.linalg.eigh(second)
        positive = np.maximum(values, 0)[:, None] * vectors
        second = positive @ vectors.transpose(0, 2, 1)
        return self.weights[:, None] * first, self.weights[:, None, None] * second


def _determinants(jacobians):
    return jacobians[:, 0, 0] * jacobians[:, 1, 1] - jacobians[:, 0, 1] * jacobians[:, 1, 0]


def _energy(vertices, triangles, magnification, weights, total_area=0.5):
    """Returns the energy of triangles whose total area becomes this share of the unit square."""
    magnification = _of_triangles("magnification", magnification, triangles, len(vertices))
    weights = _of_triangles("weights", weights, triangles, len(vertices))
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    along, across = (b - a) * magnification[:, None], (c - a) * magnification[:, None]
    length = np.linalg.norm(along, axis=1)
    area = np.linalg.norm(np.cross(along, across), axis=1) / 2
    if not area.min() > 0:
        raise ValueError("Expected triangles with an area, received some that are degenerate.")
    unit = np.sqrt(area.sum() / total_area)  # of length
    length, area = length / unit, area / unit**2
    # In the triangle's own plane, turned over as u, v and the surface's outside are.
    x = np.einsum("ti,ti->t", along, across) / unit**2 / length
    y = -2 * area / length
    zero = np.zeros_like(x)
    to_b = np.stack([1 / length, -x / (length * y)], axis=1)
    to_c = np.stack([zero, 1 / y], axis=1)
    gradients = np.stack([-to_b - to_c, to_b, to_c], axis=1)
    share = weights * area
    return _Energy(triangles, gradients, share / share.sum())


def _checked_start(start, count):
    """Returns a start, or raises a ValueError if it is not a flattening onto the square."""
    start = np.asarray(start, np.float64)
    if start.shape != (count, 2) or not np.isfinite(start).all():
        raise ValueError(
            f"flatten_least_distorted expects `start` of shape ({count}, 2), finite, received "
            f"shape {start.shape}."
        )
    low, high = start.min(axis=0), start.max(axis=0)
    if (low != 0).any() or (high != 1).any():
        raise ValueError(
            "flatten_least_distorted expects a `start` that fills the square from 0 to 1, received "
            f"one from {low.tolist()} to {high.tolist()}."
        )
    return start


def _of_triangles(name, values, triangles, count):
    """Returns the mean of a checked positive value over the corners of each triangle."""
    if values is None:
        return np.ones(len(triangles))
    values = np.asarray(values, np.float64)
    if values.shape != (count,) or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(
            f"flatten_least_distorted expects `{name}` of {count} positive numbers, received "
            f"shape {values.shape} with values from {values.min(initial=np.inf):g} to "
            f"{values.max(initial=-np.inf):g}."
        )
    return values[triangles].mean(axis=1)


def _free(start, half, mirror):
    """Returns which coordinates `(N, 2)` are free to move: along a side, or inside."""
    used = np.zeros(len(start), bool)
    used[half.ravel()] = True
    free = np.repeat(used[:, None], 2, axis=1)
    free[:, 0] &= (start[:, 0] > 0) & (mirror != np.arange(len(mirror)))
    free[:, 1] &= (start[:, 1] > 0) & (start[:, 1] < 1)
    return free


def _minimised(energy, uv, free, iterations):
    """Returns a flattening whose energy has been minimised by Newton steps."""
    value = energy.value(uv)
    if not np.isfinite(value):
        raise ValueError("Expected a `start` without turned triangles, received some.")
    number = np.full(free.shape, -1)
    number[free] = np.arange(free.sum())
    for _ in range(iterations):
        gradient, hessian = _assembled(energy, uv, number)
        step = np.zeros_like(uv)
        step[free] = -splu(hessian, permc_spec="MMD_AT_PLUS_A").solve(gradient)
        slope = float(gradient @ step[free])
        length = min(1.0, _SAFE_SHARE * _first_flip(energy, uv, step))
        while (new := energy.value(uv + length * step)) > value + _ARMIJO * length * slope:
            length /= 2
            if length < _SMALLEST_STEP:
                return uv
        uv = uv + length * step
        value, before = new, value
        if before - value < _CONVERGED * value:
            break
    return uv


def _assembled(energy, uv, number):
    """Returns the gradient `(free,)` and Hessian `(free, free)` of the free coordinates."""
    first, second = energy.derivatives(uv)
    g = energy.gradients
    by_corner = np.einsum("tij,tkj->tik", first.reshape(-1, 2, 2), g)  # (T, 2, 3)
    by_corners = np.einsum("tkj,tijmn,tln->tikml", g, second.reshape(-1, 2, 2, 2, 2), g)
    places = number[energy.triangles].transpose(0, 2, 1).reshape(-1, 6)  # u of a, b, c, then v
    count = number.max() + 1
    known = places >= 0
    gradient = np.bincount(places[known], by_corner.reshape(-1, 6)[known], count)
    row = np.repeat(places[:, :, None], 6, axis=2)
    column = row.transpose(0, 2, 1)
    both = (row >= 0) & (column >= 0)
    values = by_corners.reshape(-1, 6, 6)[both]
    hessian = coo_array((values, (row[both], column[both])), shape=(count, count)).tocsc()
    return gradient, hessian


def _first_flip(energy, uv, step):
    """Returns the length of a step `(N, 2)` at which the first triangle loses its area."""
    j, k = energy.jacobians(uv), energy.jacobians(step)
    # det(J + t K) = c + b t + a t²
    a, c = _determinants(k), _determinants(j)
    b = _determinants(j + k) - a - c
    root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
    # The smaller positive root, without cancellation; there is none where b² < 4ac or b, a > 0.
    q = -b + root
    q = np.where(b**2 >= 4 * a * c, q, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.stack([2 * c / q, q / (2 * a)])
    roots = np.where(np.isfinite(roots) & (roots > 0), roots, np.inf)
    return float(roots.min())
