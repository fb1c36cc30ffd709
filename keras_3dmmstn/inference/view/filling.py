"""Fills hidden places of a face from its other side."""

import cv2
import numpy as np

from keras_3dmmstn.inference.view.spreading import spread

#: Values of `fill`.
FILLS = ("mirror",)

# All lengths are shares of the picture's larger side. How far from the border the sides are
# compared, how widely their ratio is averaged, and how far the border blends into the filled part.
_INSIDE, _AVERAGED, _BLEND, _FEATHER = 0.015, 0.06, 0.06, 0.03
# Larger factors are not caused by light: of all channels together, and of each from their mean.
_LARGEST_GAIN, _LARGEST_TINT = 2.0, 1.25
# The same at the border, in levels: a pixel that differs by more is background.
_LARGEST_STEP, _LARGEST_STAIN = 36.0, 12.0
# Added to levels 0..255 before they are compared, since the ratio of dark pixels is meaningless.
_DARK = 6.0
# Side of the pictures in which the light is compared, and how much of a place must be visible.
_COMPARED_SIZE, _LEAST_WEIGHT = 128, 0.02


def check_fill(fill: str | None) -> None:
    """Raises a ValueError if `fill` is neither None nor one of `FILLS`."""
    if fill is not None and fill not in FILLS:
        known = ", ".join(map(repr, FILLS))
        raise ValueError(f"Expected `fill` to be None or one of {known}, received {fill!r}.")


def fill_hidden(
    picture: np.ndarray, seen: np.ndarray, mirrored: np.ndarray, mirrored_seen: np.ndarray
) -> np.ndarray:
    """Fills hidden places in a picture of a face from the face's other side.

    There are three steps. First the mirrored picture takes on the local light: the ratio of both
    pictures, where both are clearly visible, is averaged, limited and spread harmonically. Then the
    remaining difference is removed in a narrow strip along the border, so that there is no seam.
    Last, places hidden on both sides are filled smoothly from their surroundings. The second and
    the third step invent, and so does the first as far as the face is not symmetric.

    Args:
        picture: `(height, width, 3)` float32 RGB in 0..255.
        seen: `(height, width)` float32, the weight of each pixel of `picture`, 0 to 1. Pixels with
            weight 1 stay as they are.
        mirrored: `(height, width, 3)` float32, the other side of the face at each pixel.
        mirrored_seen: `(height, width)` float32, the weights of its pixels.

    Returns:
        `(height, width, 3)` float32 RGB in 0..255.
    """
    if not (seen > 0).any():
        return np.zeros_like(picture)
    side = max(picture.shape[:2])
    relit = relit_as(picture, seen, mirrored, mirrored_seen)
    certain, sourced = seen >= 1, mirrored_seen > 0.5
    # The strip: the difference at the border of the visible part, 0 where the strip ends.
    distance = cv2.distanceTransform((~certain).astype(np.uint8), cv2.DIST_L2, 3)
    border = certain & sourced
    far = distance > _BLEND * side
    difference = np.where(border[..., None], picture - relit, 0).astype(np.float32)
    difference = _limited(difference, _LARGEST_STEP, _LARGEST_STAIN)
    relit = np.clip(relit + spread(difference, border | far), 0, 255)
    share = np.where(certain, 0, mirrored_seen)[..., None]
    surely = certain | (share[..., 0] >= 1)
    around = spread(np.where(certain[..., None], picture, relit), surely)
    filled = share * relit + (1 - share) * around
    weight = seen[..., None]
    return np.where(certain[..., None], picture, weight * picture + (1 - weight) * filled)


def filled_texture(texture: np.ndarray, mask: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Fills hidden places in a texture from the face's other side, as `fill_hidden` does.

    Visible texels stay, even those not trusted because they are seen at a grazing angle: the filled
    part takes on their colours only in a narrow strip.

    Args:
        texture: `(S, S, 3)` uint8 RGB.
        mask: `(S, S)` bool, where it is visible.
        opacity: `(S, S)`, how far the photograph is trusted there, 0 to 1, see `opacity`.

    Returns:
        `(S, S, 3)` uint8 RGB, the same as `texture` where `mask` is True; all black if `mask` is
        False everywhere.
    """
    if not mask.any():
        return np.zeros_like(texture)
    picture, trust = texture.astype(np.float32), (opacity * mask).astype(np.float32)
    if not (trust >= 1).any():
        trust = mask.astype(np.float32)
    filled = fill_hidden(picture, trust, picture[:, ::-1], trust[:, ::-1])
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    far = distance > _FEATHER * max(mask.shape)
    step = np.where(mask[..., None], picture - filled, 0)
    filled = np.round(filled + spread(step, mask | far)).clip(0, 255).astype(np.uint8)
    return np.where(mask[..., None], texture, filled)


def relit_as(
    picture: np.ndarray,
    seen: np.ndarray,
    other: np.ndarray,
    other_seen: np.ndarray,
    largest_gain: float = _LARGEST_GAIN,
    largest_tint: float = _LARGEST_TINT,
) -> np.ndarray:
    """Returns the other picture, relit with the light that `picture` has at the same place.

    The ratio of both, where both are clearly visible, is averaged, limited and spread harmonically.
    Light varies slowly, so it is computed in smaller pictures.

    Args:
        picture, other: `(height, width, 3)` float32 RGB in 0..255.
        seen, other_seen: `(height, width)`, weights of the pixels, 0 to 1.
        largest_gain, largest_tint: the largest factors, of all channels together and of each from
            their mean.
    """
    both: np.ndarray = ((seen > 0.9) & (other_seen > 0.9)).astype(np.uint8)
    side = max(both.shape)
    reach = 2 * max(1, round(_INSIDE * side)) + 1
    both = cv2.erode(both, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    if not both.any():
        return other
    shrink = min(1.0, _COMPARED_SIZE / side)
    size = [max(1, round(length * shrink)) for length in both.shape[::-1]]
    counted = both.astype(np.float32)[..., None]
    weight, ours, theirs = (
        cv2.GaussianBlur(
            cv2.resize(values, size, interpolation=cv2.INTER_AREA),
            (0, 0),
            _AVERAGED * max(size),
            borderType=cv2.BORDER_CONSTANT,
        )
        for values in (counted, (picture + _DARK) * counted, (other + _DARK) * counted)
    )
    known = weight > _LEAST_WEIGHT
    ratio = np.log(np.maximum(ours, 1e-3) / np.maximum(theirs, 1e-3))
    gain = _limited(ratio, np.log(largest_gain), np.log(largest_tint))
    spread_gain = np.exp(spread(gain.astype(np.float32), known))
    everywhere = cv2.resize(spread_gain, both.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip((other + _DARK) * everywhere - _DARK, 0, 255)


def _limited(change, light, colour):
    """Limits changes `(height, width, 3)`: the channels' mean, and each one's deviation from it."""
    mean = change.mean(axis=-1, keepdims=True)
    return np.clip(mean, -light, light) + np.clip(change - mean, -colour, colour)
