"""Lays the face out in texture space so that eyes, nose and mouth get their share of the grid."""

import numpy as np
from scipy.special import erf

from keras_3dmmstn.mesh.flattening.flatten import flatten_symmetric
from keras_3dmmstn.mesh.shape_model import ShapeModel

# Where the texture is magnified: centre and width of a bell in each of u and v, and by how much
# more than at the rim.
_CENTRES, _WIDTHS, _GAINS = (0.5, 0.52), (0.26, 0.26), (2.2, 1.6)


def lay_out(model: ShapeModel) -> np.ndarray:
    """Flattens the mesh and magnifies the middle of the face.

    Returns:
        `(N, 2)` coordinates (u, v) in the unit square, mirror symmetric.
    """
    uv = flatten_symmetric(model.mean, model.triangles, model.mirror)
    columns = zip(uv.T, _CENTRES, _WIDTHS, _GAINS, strict=True)
    return np.stack([_magnify(*column) for column in columns], axis=1)


def _magnify(x, centre, width, gain):
    """Maps 0..1 onto itself with slope proportional to 1 + gain exp(−((x − centre) / width)²)."""

    def integral(t):
        return t + gain * width * np.sqrt(np.pi) / 2 * erf((t - centre) / width)

    return (integral(x) - integral(0.0)) / (integral(1.0) - integral(0.0))
