"""The weights of a face's texels in a mean."""

import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.mesh.finer_grid import interpolate_grid


def texture_weights(face: NormalisedFace) -> np.ndarray:
    """Returns the weight of each texel in a mean of textures.

        w = M · cos² φ · |∂Y / ∂(u, v)|

    M is the mask, φ the angle between the surface's normal and the viewer (as seen from far away),
    and the last factor the area of a texel in the photograph, in pixels: a large photograph counts
    more than a small one, and within a photograph the parts that face the viewer count most.

    Returns:
        `(S, S)` float32, of the texture's size.
    """
    posed = (face.vertices @ face.rotation_matrix.T).reshape(*face.grid_shape, 3)
    normal = np.cross(np.gradient(posed, axis=1), np.gradient(posed, axis=0))
    length = np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    cosine = interpolate_grid(normal[..., 2:] / length, face.mask.shape)[..., 0]
    points = interpolate_grid(face.points.reshape(*face.grid_shape, 2), face.mask.shape)
    along, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    pixels = np.abs(along[..., 0] * down[..., 1] - along[..., 1] * down[..., 0])
    return (face.mask * cosine**2 * pixels).astype(np.float32)
