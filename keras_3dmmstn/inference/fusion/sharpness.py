"""The sharpness of a texture, independent of its size and layout."""

from typing import NamedTuple

import cv2
import numpy as np


class Sharpness(NamedTuple):
    """The gradient energy of a texture.

    Attributes:
        energy: mean of |∇L|² over the face's area, (grey levels / mm)².
        relative_energy: the same over the variance of L, 1 / mm²: independent of contrast.
    """

    energy: float
    relative_energy: float


def gradient_energy(texture: np.ndarray, mask: np.ndarray, surface: np.ndarray) -> Sharpness:
    """Measures the gradient of a texture's brightness L along the face's surface.

        |∇L|² = (∂L/∂u, ∂L/∂v) G⁻¹ (∂L/∂u, ∂L/∂v)ᵀ,    G = JᵀJ,    J = ∂x / ∂(u, v),

    averaged with the surface's area |det G|^½. The result is the same for any texture size and
    layout, except for what rounding to whole grey levels adds.

    Args:
        texture: `(S, S, 3)` RGB in 0..255.
        mask: `(S, S)` bool, the texels that count.
        surface: `(S, S, 3)`, their positions on the face, mm.
    """
    grey = cv2.cvtColor(texture.astype(np.float32), cv2.COLOR_RGB2GRAY).astype(float)
    by_row, by_column = np.gradient(grey)
    down, along = np.gradient(surface, axis=0), np.gradient(surface, axis=1)
    e, f, g = (along**2).sum(axis=-1), (along * down).sum(axis=-1), (down**2).sum(axis=-1)
    determinant = e * g - f * f
    squared = g * by_column**2 - 2 * f * by_column * by_row + e * by_row**2
    chosen = mask & (determinant > 0)
    area = np.sqrt(determinant[chosen])
    energy = np.average(squared[chosen] / determinant[chosen], weights=area)
    mean = np.average(grey[chosen], weights=area)
    variance = np.average((grey[chosen] - mean) ** 2, weights=area)
    return Sharpness(float(energy), float(energy / variance) if variance > 0 else 0.0)
