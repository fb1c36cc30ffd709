"""Your own shape model: the principal components of registered meshes."""

from collections.abc import Mapping

import numpy as np

from keras_3dmmstn.mesh.flattening.symmetry import find_mirror
from keras_3dmmstn.mesh.shape_model import ShapeModel, as_indices, check_triangles

_ALIGNMENT_ROUNDS = 20


def shape_model_from_meshes(
    meshes: np.ndarray,
    triangles: np.ndarray,
    modes: int | None = None,
    landmarks: Mapping[str, np.ndarray] | None = None,
    *,
    align: bool = True,
    symmetric: bool = False,
    name: str = "",
) -> ShapeModel:
    """Makes a shape model from meshes with the same connectivity, of faces or other objects.

    The meshes are aligned by similarity transforms to their common mean (generalised Procrustes
    analysis), which keeps the average size and the first mesh's pose. The modes are the principal
    components of what remains, scaled to unit variance; all count as identity.

    Args:
        meshes: `(meshes, vertices, 3)`, at least three, in the frame of `ShapeModel`: the object
            looks at the viewer.
        triangles: `(triangles, 3)` vertex indices, counter-clockwise seen from outside.
        modes: how many to keep, at most the number of meshes minus 1; None for all.
        landmarks: set name to vertex indices; you choose the names.
        align: False if the meshes are already aligned and their sizes are part of their shape.
        symmetric: whether the objects are mirror symmetric about x = 0, as the losses of the
            paper's sections 3.1 and 3.2 require. Then the model has a mirror map, and its mean and
            modes become exactly symmetric about x = 0; asymmetries of single meshes are lost.
        name: the name of the model.

    Raises:
        ValueError: if the meshes are too few, not finite or without extent, arrays do not match,
            or `symmetric` is True and the connectivity is not symmetric.

    Source:
        Blanz & Vetter 1999, sec. 3; alignment: Gower 1975.
    """
    meshes = _checked(meshes)
    if modes is None:
        modes = len(meshes) - 1
    if not 0 <= modes <= len(meshes) - 1 or modes != int(modes):
        raise ValueError(
            f"shape_model_from_meshes expects `modes` from 0 to {len(meshes) - 1} for "
            f"{len(meshes)} meshes, received {modes}."
        )
    mirror, triangles = None, as_indices("triangles", triangles)
    if symmetric:
        check_triangles("shape_model_from_meshes", triangles, meshes.shape[1])
        middle = meshes.mean(axis=(0, 1)) * [1, 0, 0]
        mirror = find_mirror(meshes.mean(axis=0) - middle, triangles)
        # A mesh and its reflection have a common mean that is symmetric, and stays so.
        meshes = meshes - middle
        meshes = (meshes + meshes[:, mirror] * [-1, 1, 1]) / 2
    if align:
        meshes = aligned_meshes(meshes)
    mean, basis = principal_components(meshes, int(modes))
    if mirror is not None:
        mean = (mean + mean[mirror] * [-1, 1, 1]) / 2
        basis = (basis + basis[:, mirror] * [-1, 1, 1]) / 2
    return ShapeModel(
        mean=mean,
        basis=basis,
        triangles=triangles,
        landmarks=dict(landmarks or {}),
        identity_count=int(modes),
        mirror=mirror,
        name=name,
    )


def principal_components(meshes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean `(N, 3)` and unit-variance modes `(count, N, 3)` of `(meshes, N, 3)`."""
    mean = meshes.mean(axis=0)
    offsets = (meshes - mean).reshape(len(meshes), -1)
    _, values, directions = np.linalg.svd(offsets, full_matrices=False)
    modes = directions[:count] * (values[:count, None] / np.sqrt(len(meshes) - 1))
    return mean, modes.reshape(count, *mean.shape)


def aligned_meshes(meshes: np.ndarray) -> np.ndarray:
    """Aligns meshes `(meshes, N, 3)` by similarities to the first one's pose and centre.

    Raises:
        ValueError: if one of them has no extent.
    """
    sizes = np.sqrt(((meshes - meshes.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2)))
    if sizes.min() <= 0:
        raise ValueError("Expected meshes with an extent, received one that is a single point.")
    middle, size = meshes[0].mean(axis=0), sizes.mean()
    centred = meshes - meshes.mean(axis=1, keepdims=True)
    mean = centred[0] * (size / sizes[0])
    for _ in range(_ALIGNMENT_ROUNDS):
        aligned = np.array([_similarity(mesh, mean) for mesh in centred])
        previous, mean = mean, aligned.mean(axis=0)
        # Otherwise the mean turns, and shrinks a little with every round.
        mean = _similarity(mean, centred[0])
        mean *= size / np.linalg.norm(mean)
        if np.abs(mean - previous).max() < 1e-9 * size:
            break
    aligned = np.array([_similarity(mesh, mean) for mesh in centred])
    aligned *= size / np.linalg.norm(aligned.mean(axis=0))
    return aligned + middle


def _similarity(mesh, target):
    """Returns a centred mesh `(N, 3)`, rotated and scaled to be closest to `target`."""
    left, values, right = np.linalg.svd(mesh.T @ target)
    handedness = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    scale = (values * handedness).sum() / (mesh**2).sum()
    return scale * mesh @ (left * handedness) @ right


def _checked(meshes):
    """Returns meshes as float64, or raises a ValueError."""
    meshes = np.asarray(meshes)
    if meshes.ndim != 3 or meshes.shape[2] != 3 or len(meshes) < 3 or not meshes.shape[1]:
        raise ValueError(
            "shape_model_from_meshes expects at least three meshes of shape "
            f"(meshes, vertices, 3), received shape {meshes.shape}."
        )
    if meshes.dtype.kind not in "iuf" or not np.isfinite(meshes).all():
        raise ValueError("shape_model_from_meshes expects finite numbers, received others.")
    return meshes.astype(np.float64)
