"""Blends textures of one person, each where it shows the face best."""

from collections.abc import Sequence

import cv2
import numpy as np

from keras_3dmmstn.inference.fusion.alignment import shift_onto, shifted
from keras_3dmmstn.inference.fusion.mean_texture import (
    evened_light,
    robust_mean,
    weighted_mean,
)
from keras_3dmmstn.inference.view.filling import relit_as

# With two textures the weights are raised to this power, so that the better one dominates; with so
# many textures noise averages out, and the weights are unchanged.
_SHARPEST, _MANY = 3.0, 8
# Widths of the Gaussians that smooth weights and differences, in sides.
_SOFT, _NEARBY = 0.012, 0.015
_REWEIGHTINGS = 3
# Limits on how much brighter, and how differently coloured, the light of two photographs may be.
_LARGEST_GAIN, _LARGEST_TINT = 4.0, 2.0
# With few textures, the reference counts this many times as much as the others.
_PREFERENCE = 2.0
# In levels of brightness: textures that differ by less count as equal.
_LEAST_SIGMA = 6.0
_BRIGHTNESS = np.array([0.299, 0.587, 0.114], np.float32)


def blend_textures(
    textures: Sequence[np.ndarray],
    weights: np.ndarray,
    trusted: np.ndarray,
    reference: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Blends textures of one person.

    1. Each takes on the light of the reference (`relit_as`), or with many textures that of their
       mean, and is aligned with the reference by a smooth field of small shifts (`shift_onto`).
    2. At each place the mean is weighted by wᵖ. The power p is 3 for two textures and falls to 1
       for eight: many are averaged, while of few the best is used. The weights are smoothed, so
       that there are no seams.
    3. Textures that differ much from the mean around a place count less there: w / (1 + (d / σ)²).

    Args:
        textures: n of `(S, S, 3)` uint8 RGB.
        weights: `(n, S, S)` float32, not negative.
        trusted: `(n, S, S)`, how surely each texture shows the face, 0 to 1.
        reference: index of the texture to which the others are adapted.

    Returns:
        The texture `(S, S, 3)` uint8 RGB, and where it is known, `(S, S)` bool.
    """
    many = float(np.clip((len(textures) - 2) / (_MANY - 2), 0, 1))
    fitted, moved = _fitted(textures, weights, trusted, reference, many)
    known = moved.sum(axis=0) > 0
    side = len(known)
    power = many + _SHARPEST * (1 - many)
    moved[reference] *= _PREFERENCE
    largest = np.maximum(moved.max(axis=0), 1e-20)
    shares = np.stack([_softened((w / largest) ** power, w > 0, side) for w in moved])
    mean = _mean(fitted, shares)
    brightness = fitted @ _BRIGHTNESS
    for _ in range(_REWEIGHTINGS if len(textures) > 2 else 0):
        differences = np.abs(brightness - mean @ _BRIGHTNESS)
        differences = np.stack([cv2.GaussianBlur(d, (0, 0), _NEARBY * side) for d in differences])
        sigma = max(_LEAST_SIGMA, 1.4826 * float(np.median(differences[shares > 0.05])))
        mean = _mean(fitted, shares / (1 + (differences / sigma) ** 2))
    picture = np.where(known[..., None], mean, 0)
    return np.round(picture).clip(0, 255).astype(np.uint8), known


def _fitted(textures, weights, trusted, reference, many):
    """Returns textures in one light and aligned with one of them, and their weights."""
    target = textures[reference].astype(np.float32)
    known = weights[reference] > 0
    light, lit = _common_light(textures, weights, trusted, reference, many)
    fitted, moved = [], []
    for number, (texture, weight) in enumerate(zip(textures, weights, strict=True)):
        texture = texture.astype(np.float32)
        if weight.any() and (many > 0 or number != reference):
            texture = relit_as(light, lit, texture, trusted[number], _LARGEST_GAIN, _LARGEST_TINT)
        if number != reference and weight.any():
            shift = shift_onto(texture, trusted[number] > 0.5, target, known)
            texture, weight = shifted(texture, shift), shifted(weight, shift)
        fitted.append(texture)
        moved.append(weight)
    return np.stack(fitted), np.stack(moved)


def _common_light(textures, weights, trusted, reference, many):
    """Returns a texture in the light that all take on, and how far it can be trusted.

    With two textures it is the reference's light, with many that of their mean.
    """
    own, lit = textures[reference].astype(np.float32), trusted[reference]
    if many == 0:
        return own, lit
    even, _ = evened_light(textures, weights, weighted_mean(np.stack(textures), weights))
    mean = robust_mean(even, weights)
    share = np.where(lit > 0, many, 1.0)[..., None].astype(np.float32)
    return share * mean + (1 - share) * own, trusted.max(axis=0)


def _softened(share, seen, side):
    """Smooths weights `(S, S)` within the visible places; they fall to 0 at the border."""
    counted = seen.astype(np.float32)
    around = cv2.GaussianBlur(counted, (0, 0), _SOFT * side)
    soft = cv2.GaussianBlur(share.astype(np.float32) * counted, (0, 0), _SOFT * side)
    edge = np.clip(2 * around - 1, 1e-4, 1)
    return soft / np.maximum(around, 1e-6) * edge * counted


def _mean(textures, weights):
    total = np.einsum("nijc,nij->ijc", textures, weights)
    weight = weights.sum(axis=0)[..., None]
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
