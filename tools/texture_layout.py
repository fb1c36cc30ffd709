"""Lays the face out in texture space so that eyes, nose and mouth get their share of the grid."""

import numpy as np
from scipy.special import erf

from keras_3dmmstn.mesh.flatten import flatten_symmetric
from keras_3dmmstn.mesh.shape_model import ShapeModel

# Lenses over the eyes and the mouth: the AFLW point in the middle of each, strength and radius.
_LENSES = ((7, 1.0, 0.065), (10, 1.0, 0.065), (18, 0.7, 0.09))
# Where the texture is magnified: centre and width of a bell in each of u and v, and by how much
# more than at the rim.
_CENTRES, _WIDTHS, _GAINS = (0.5, 0.52), (0.26, 0.26), (2.2, 1.6)


def lay_out(model: ShapeModel) -> np.ndarray:
    """Flattens the mesh and magnifies eyes, mouth and the middle of the face.

    Returns:
        `(N, 2)` coordinates (u, v) in the unit square, mirror symmetric.
    """
    uv = flatten_symmetric(model.mean, model.triangles, model.mirror)
    centres = uv[model.landmarks["aflw21"]]
    # Added up, not applied in turn: the result is as symmetric as the pair of eyes.
    uv = uv + sum(_lens(uv - centres[k], strength, radius) for k, strength, radius in _LENSES)
    uv[model.mirror == np.arange(len(uv)), 0] = 0.5
    columns = zip(uv.T, _CENTRES, _WIDTHS, _GAINS, strict=True)
    return np.stack([_magnify(*column) for column in columns], axis=1)


def _lens(offset, strength, radius):
    """Returns the shift of points at `offset` `(N, 2)` from a lens; no fold below strength 2.2."""
    squared = (offset**2).sum(axis=1, keepdims=True) / radius**2
    return strength * offset * np.exp(-squared)


def _magnify(x, centre, width, gain):
    """Maps 0..1 onto itself with slope proportional to 1 + gain exp(−((x − centre) / width)²)."""

    def integral(t):
        return t + gain * width * np.sqrt(np.pi) / 2 * erf((t - centre) / width)

    return (integral(x) - integral(0.0)) / (integral(1.0) - integral(0.0))
