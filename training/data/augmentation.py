"""Random changes to face crops: pose in the plane, mirror, light, sharpness and occlusion."""

import cv2
import numpy as np

from keras_3dmmstn.mesh.landmark_sets import LANDMARK_SET, mirror_permutation
from keras_3dmmstn.training.config import TrainingConfig

_MIRROR = mirror_permutation(LANDMARK_SET)


def augment(
    image: np.ndarray,
    landmarks: np.ndarray,
    side: float,
    config: TrainingConfig,
    rng: np.random.Generator,
    mirror: bool | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns a randomly changed crop and its landmarks.

    Args:
        image: stored crop `(size, size, 3)` uint8, face in the middle.
        landmarks: `(89, 3)`: x, y in its pixels, and confidence.
        side: side of the square that the network sees, in pixels of the stored crop.
        config: sets the amounts and the size of the result.
        rng: the random generator.
        mirror: whether the crop is reflected; None for a random choice.

    Returns:
        `(image_size, image_size, 3)` uint8 and `(89, 3)` float32.
    """
    matrix = _random_similarity(image.shape[0], side, config, rng)
    heads = rng.random() < 0.5
    if heads if mirror is None else mirror:
        matrix, landmarks = _mirrored(matrix, landmarks, config.image_size)
    size = config.image_size
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    crop = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    moved = landmarks.astype(np.float32, copy=True)
    moved[:, :2] = landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    if rng.random() < config.blur_share:
        crop = _random_blur(crop, rng)
    crop = _random_light(crop, config.light_strength, rng)
    if rng.random() < config.patch_share:
        crop = _random_patch(crop, rng)
    return crop, moved


def _random_similarity(size, side, config, rng):
    """Returns a random matrix `(2, 3)` from the stored crop to the network's crop."""
    angle = np.radians(rng.normal(0, config.rotation_deviation))
    scale = config.image_size / side * np.exp(rng.normal(0, config.scale_deviation))
    shift = rng.normal(0, config.shift_deviation, 2) * config.image_size
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.full(2, (size - 1) / 2)
    target = (config.image_size - 1) / 2 + shift
    return np.concatenate([linear, (target - linear @ middle)[:, None]], axis=1)


def _mirrored(matrix, landmarks, image_size):
    """Appends a reflection to the matrix and swaps left and right landmarks."""
    matrix = matrix.copy()
    matrix[0] *= -1
    matrix[0, 2] += image_size - 1
    return matrix, landmarks[_MIRROR]


def _random_light(crop, strength, rng):
    """Changes exposure, contrast, gamma and colour cast; sometimes removes the colour."""
    levels = np.arange(256) / 255.0
    gamma, contrast = np.exp(strength * rng.normal(0, [0.3, 0.2]))
    curve = (levels**gamma - 0.5) * contrast + 0.5 + strength * rng.normal(0, 0.08)
    table = curve[:, None] * np.exp(strength * rng.normal(0, 0.08, 3))
    table = np.clip(np.round(table * 255), 0, 255).astype(np.uint8)
    if rng.random() < 0.15 * strength:
        crop = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.LUT(crop, table.reshape(1, 256, 3))


def _random_blur(crop, rng):
    """Blurs, reduces the resolution, compresses or adds noise."""
    choice, size = rng.integers(9), crop.shape[0]
    if choice < 2:
        crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.5, 1.8))
    elif choice < 5:
        small = int(size * rng.uniform(0.3, 0.7))
        crop = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_LINEAR)
    elif choice < 7:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 60))]
        crop = cv2.imdecode(cv2.imencode(".jpg", crop, quality)[1], cv2.IMREAD_COLOR)
    else:
        noise = rng.normal(0, rng.uniform(2, 12), crop.shape)
        crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
    return crop


def _random_patch(crop, rng):
    """Hides a rectangle behind a uniform colour or noise."""
    size = crop.shape[0]
    height, width = (rng.uniform(0.1, 0.4, 2) * size).astype(int)
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    crop = crop.copy()
    colour = rng.integers(0, 256, 3)
    grain = rng.normal(0, rng.uniform(0, 40), (height, width, 3))
    crop[top : top + height, left : left + width] = np.clip(colour + grain, 0, 255)
    return crop
