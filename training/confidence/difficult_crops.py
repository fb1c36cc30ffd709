"""Crops on which a network may be wrong: misframed faces, hidden faces, and no face at all."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.augmentation import augment
from keras_3dmmstn.training.data.crops import FaceCrops

#: Share of each kind of crop.
SHARES = {"ordinary": 0.4, "misframed": 0.2, "hidden": 0.15, "faceless": 0.25}


@dataclass(frozen=True)
class DifficultCrop:
    """A crop on which the network judges itself.

    Attributes:
        image: `(size, size, 3)` uint8 RGB.
        landmarks: `(89, 3)` float32 x, y in its pixels and confidence; 0 if there is no face.
        kind: one of `SHARES`.
        number: the number of the face that it is made from.
    """

    image: np.ndarray
    landmarks: np.ndarray
    kind: str
    number: int


def difficult_crops(
    crops: FaceCrops, config: TrainingConfig, count: int, seed: int = 0
) -> Iterator[DifficultCrop]:
    """Yields crops of all kinds, made from faces in random order.

    - "ordinary": changed as for training.
    - "misframed": as if a detector had been wrong, by up to the size of the face and any turn.
    - "hidden": half of the face or more is behind other things.
    - "faceless": the photograph with its blocks exchanged or the face blurred away, a detail of
      it, or a pattern.

    Args:
        crops: faces with the margin for augmentation that `cut_faces` leaves.
        config: sets `image_size` and the amounts of the ordinary changes.
        count: how many.
        seed: seed for everything.
    """
    rng = np.random.default_rng([seed, 5])
    wild = replace(
        config, rotation_deviation=60.0, scale_deviation=0.45, shift_deviation=0.22, patch_share=0.2
    )
    for _ in range(count):
        number = int(rng.integers(len(crops)))
        kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
        image, landmarks = crops.images[number], crops.landmarks[number]
        if kind == "faceless":
            image, landmarks = _faceless(image, rng), np.zeros_like(landmarks)
        changes = wild if kind == "misframed" else config
        image, landmarks = augment(image, landmarks, crops.crop_side, changes, rng)
        if kind == "hidden":
            other = crops.images[int(rng.integers(len(crops)))]
            image = _hidden(image, other, landmarks, rng)
        yield DifficultCrop(image, landmarks, kind, number)


def _faceless(image, rng):
    """Returns a picture of the same size without a face."""
    kind = rng.integers(5)
    if kind == 0:
        return _blocks_exchanged(image, rng)
    if kind == 1:
        return _blurred_away(image, rng)
    if kind == 2:
        return _detail(image, rng)
    if kind == 3:
        return _corner(image, rng)
    return _pattern(image.shape[0], rng)


def _blocks_exchanged(image, rng):
    """Cuts a picture into square blocks and rearranges them, some of them turned."""
    count = int(rng.integers(4, 9))
    side = image.shape[0] // count
    blocks = [
        image[row * side : (row + 1) * side, column * side : (column + 1) * side]
        for row in range(count)
        for column in range(count)
    ]
    order = rng.permutation(len(blocks))
    turned = [np.rot90(blocks[place], int(rng.integers(4))) for place in order]
    rows = [np.hstack(turned[row * count : (row + 1) * count]) for row in range(count)]
    return cv2.resize(np.vstack(rows), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _blurred_away(image, rng):
    """Blurs the middle of a picture, where the face is, until nothing is left of it."""
    size = image.shape[0]
    blurred = cv2.GaussianBlur(image, (0, 0), size * rng.uniform(0.1, 0.25)).astype(float)
    blurred += rng.normal(0, rng.uniform(0, 12), blurred.shape)
    axis = (np.arange(size) - (size - 1) / 2) / size
    distance = np.hypot(axis[:, None], axis)
    weight = np.clip((distance - 0.33) / 0.06, 0, 1)[..., None]
    return np.clip(weight * image + (1 - weight) * blurred, 0, 255).astype(np.uint8)


def _detail(image, rng):
    """Enlarges a part of the face that is too small to tell what is where."""
    size = image.shape[0]
    side = int(size * rng.uniform(0.06, 0.13))
    top, left = (size * rng.uniform(0.32, 0.6, 2)).astype(int)
    part = image[top : top + side, left : left + side]
    return cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC)


def _corner(image, rng):
    """Enlarges a corner of the picture, which shows background, hair or a shoulder."""
    size = image.shape[0]
    side = int(size * rng.uniform(0.15, 0.24))
    top, left = (int(rng.choice([0, size - side])) for _ in range(2))
    part = image[top : top + side, left : left + side]
    return cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC)


def _pattern(size, rng):
    """Draws coloured noise of a random grain size over a gradient of light, or one colour."""
    grain = int(rng.choice([1, 2, 3, 5, 9, 24]))
    noise = rng.normal(0, rng.uniform(0, 70), (grain * 4, grain * 4, 3)).astype(np.float32)
    slope = np.linspace(-1, 1, size)[:, None] * rng.normal(0, 40)
    slope = slope + np.linspace(-1, 1, size)[None] * rng.normal(0, 40)
    picture = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC) + slope[..., None]
    return np.clip(picture + rng.uniform(0, 255, 3), 0, 255).astype(np.uint8)


def _hidden(image, other, landmarks, rng):
    """Hides half of a face or more behind ellipses and rectangles of another picture."""
    known = landmarks[landmarks[:, 2] > 0, :2]
    low, high = known.min(axis=0), known.max(axis=0)
    size = image.shape[0]
    cover = cv2.resize(np.rot90(other, int(rng.integers(1, 4))).copy(), (size, size))
    if rng.random() < 0.5:
        cover = np.broadcast_to(rng.integers(0, 256, 3).astype(np.uint8), image.shape)
    mask = np.zeros((size, size), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        centre = low + rng.uniform(0, 1, 2) * (high - low)
        half = rng.uniform(0.2, 0.6, 2) * (high - low)
        if rng.random() < 0.5:
            (x0, y0), (x1, y1) = np.clip([centre - half, centre + half], 0, size).astype(int)
            mask[y0:y1, x0:x1] = 1
        else:
            axes = tuple(int(max(v, 1)) for v in half)
            cv2.ellipse(mask, tuple(map(int, centre)), axes, rng.uniform(0, 180), 0, 360, 1, -1)
    return np.where(mask[..., None] > 0, cover, image)
