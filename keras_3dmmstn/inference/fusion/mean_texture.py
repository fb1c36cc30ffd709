"""The mean texture of several photographs of one person."""

from collections.abc import Sequence

import numpy as np

from keras_3dmmstn.inference.fusion.alignment import shift_onto, shifted
from keras_3dmmstn.inference.fusion.texture_weights import texture_weights
from keras_3dmmstn.inference.normalised_face import NormalisedFace

# How often textures are aligned with their mean, and how often a mean's outliers are determined.
_ALIGNMENTS, _REWEIGHTINGS = 2, 4
# The typical difference from a mean is computed from every so many texels.
_STRIDE = 4
_BRIGHTNESS = np.array([0.299, 0.587, 0.114], np.float32)


def plain_mean(faces: Sequence[NormalisedFace]) -> np.ndarray:
    """Averages textures where they are visible.

        Σ_i M_i V_i / Σ_i M_i

    Args:
        faces: of one face model, with textures of one size.

    Returns:
        `(S, S, 3)` uint8 RGB, black where no face is visible.

    Raises:
        ValueError: if there is no face.

    Source:
        Bas et al. 2017, Figure 8, with visibility masks as weights.
    """
    _check(faces)
    masks = np.stack([face.mask for face in faces]).astype(np.float32)
    return _as_picture(weighted_mean(np.stack([face.texture for face in faces]), masks))


def mean_texture(faces: Sequence[NormalisedFace], align: bool = True) -> np.ndarray:
    """Averages the textures of one person into a sharp mean.

    1. Texels are weighted by visibility, viewing angle and size in the photograph
       (`texture_weights`).
    2. A gain and an offset for each channel of each texture match its light to the mean's.
    3. Texels far from the mean count less: v = w / (1 + (d / σ)²), where d is their difference from
       it in brightness and σ the typical one (`robust_mean`).
    4. Each texture is aligned with the mean by a smooth field of small shifts (`shift_onto`),
       twice.
    5. The photographs' contrast is restored: the geometric mean of the gains is undone.

    Args:
        faces: of one face model, with textures of one size.
        align: whether step 4 is done.

    Returns:
        `(S, S, 3)` uint8 RGB, black where no face is visible.

    Raises:
        ValueError: if there is no face.
    """
    _check(faces)
    weights = np.stack([texture_weights(face) for face in faces])
    return fused_texture([face.texture for face in faces], weights, align)[0]


def fused_texture(
    textures: Sequence[np.ndarray], weights: np.ndarray, align: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Averages textures as `mean_texture` does, with any weights.

    Args:
        textures: n of `(S, S, 3)`.
        weights: `(n, S, S)`, not negative.
        align: whether the textures are aligned with their mean.

    Returns:
        The mean `(S, S, 3)` uint8 RGB, and where it is known, `(S, S)` bool.
    """
    known = weights.sum(axis=0) > 0
    reference = weighted_mean(np.stack(textures), weights)
    if not known.any():
        return _as_picture(reference), known
    even, gains = evened_light(textures, weights, reference)
    mean = robust_mean(even, weights)
    for _ in range(_ALIGNMENTS if align and len(textures) > 1 else 0):
        shifts = [
            shift_onto(texture, weight > 0, mean, known)
            for texture, weight in zip(even, weights, strict=True)
        ]
        moved = np.stack([shifted(t, s) for t, s in zip(even, shifts, strict=True)])
        moved_weights = np.stack([shifted(w, s) for w, s in zip(weights, shifts, strict=True)])
        mean = robust_mean(moved, moved_weights)
        known = moved_weights.sum(axis=0) > 0
    middle = mean[known].mean(axis=0)
    return _as_picture(np.where(known[..., None], middle + (mean - middle) / gains, 0)), known


def weighted_mean(textures: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns Σ w V / Σ w, 0 where all weights are 0.

    Args:
        textures: `(n, S, S, 3)`.
        weights: `(n, S, S)`, not negative.

    Returns:
        `(S, S, 3)` float32.
    """
    total = np.zeros(textures.shape[1:], np.float32)
    for texture, weight in zip(textures, weights, strict=True):
        total += texture * weight[..., None]
    weight = weights.sum(axis=0)[..., None]
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)


def robust_mean(textures: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns a weighted mean in which texels that differ much from it count little.

    The weights become w / (1 + (d / σ)²), with d the difference from the mean in brightness and σ
    its median over all texels, scaled to a standard deviation and at least one grey level. This is
    iterated, since the mean changes.

    Args:
        textures: `(n, S, S, 3)` float32.
        weights: `(n, S, S)` float32.

    Returns:
        `(S, S, 3)` float32.

    Source:
        The weights of the Cauchy distribution in iteratively reweighted least squares.
    """
    mean = weighted_mean(textures, weights)
    brightness = textures @ _BRIGHTNESS
    sample = (slice(None), slice(None, None, _STRIDE), slice(None, None, _STRIDE))
    for _ in range(_REWEIGHTINGS):
        difference = np.abs(brightness - mean @ _BRIGHTNESS)
        typical = difference[sample][weights[sample] > 0]
        sigma = max(1.0, 1.4826 * float(np.median(typical))) if len(typical) else 1.0
        mean = weighted_mean(textures, weights / (1 + (difference / sigma) ** 2))
    return mean


def evened_light(
    textures: Sequence[np.ndarray], weights: np.ndarray, reference: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gives textures the light of a reference: its mean and deviation where each is visible.

    Args:
        textures: n of `(S, S, 3)`.
        weights: `(n, S, S)`, of the texels in means and deviations.
        reference: `(S, S, 3)`.

    Returns:
        The textures `(n, S, S, 3)` float32, and the geometric mean of their gains `(3,)`.
    """
    evened, gains = np.zeros((len(textures), *reference.shape), np.float32), []
    for number, (texture, weight) in enumerate(zip(textures, weights, strict=True)):
        seen = weight > 0
        if not seen.any():
            continue
        (mean, deviation), (target, target_deviation) = (
            _mean_and_deviation(picture[seen].astype(np.float32), weight[seen])
            for picture in (texture, reference)
        )
        gain = np.maximum(target_deviation, 1) / np.maximum(deviation, 1)
        evened[number] = (texture - mean) * gain + target
        gains.append(gain)
    return evened, np.exp(np.log(gains).mean(axis=0)).astype(np.float32)


def _mean_and_deviation(values, weights):
    """Returns weighted mean and standard deviation `(3,)` of values `(n, 3)`."""
    mean = np.average(values, axis=0, weights=weights)
    return mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))


def _as_picture(values):
    return np.round(values).clip(0, 255).astype(np.uint8)


def _check(faces):
    if not faces:
        raise ValueError("Expected at least one face to average, received none.")
