"""Crops of cars with landmarks, made in shards: what a network is trained and measured on."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from car_paint import random_paint
from car_pictures import Picture, picture_of, random_pose
from car_shapes import random_shape

from keras_3dmmstn.network import framing

#: Side in pixels of crops and of the pictures that they are cut from.
CROP_SIZE, PICTURE_SIZE = 140, 160
_SHARD = 250


class Crops(NamedTuple):
    """Crops, framed as photographs are for a network.

    Attributes:
        images: `(n, 140, 140, 3)` uint8 RGB.
        landmarks: `(n, L, 3)` float32: x, y in pixels, and 1 where the landmark is seen.
    """

    images: np.ndarray
    landmarks: np.ndarray


def crops(folder: Path, name: str, count: int) -> Crops:
    """Returns crops of random cars in random poses; shards that are there are not made again.

    Args:
        folder: of the shards.
        name: of the set, whose cars no other set has.
        count: how many.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for number in range(0, count, _SHARD):
        file = folder / f"{name}-{number:05}.npz"
        if not file.exists():
            seed = [*name.encode(), number]
            made = _shard(np.random.default_rng(seed))
            np.savez(file.with_suffix(".part.npz"), **made._asdict())
            file.with_suffix(".part.npz").rename(file)
            print(file, flush=True)
        with np.load(file) as arrays:
            parts.append(Crops(arrays["images"], arrays["landmarks"]))
    return Crops(*(np.concatenate(arrays)[:count] for arrays in zip(*parts, strict=True)))


def _shard(rng):
    made = []
    for _ in range(_SHARD):
        pose = random_pose(rng, PICTURE_SIZE)
        picture = picture_of(random_shape(rng), random_paint(rng), pose, PICTURE_SIZE, rng)
        made.append(crop_of(picture, moved_box(picture.box, rng)))
    images, landmarks = zip(*made, strict=True)
    return Crops(np.array(images), np.array(landmarks, np.float32))


def moved_box(box: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns a box `(4,)` that is as inexact as a detector's."""
    side = (box[2:] - box[:2]).max()
    middle = (box[:2] + box[2:]) / 2 + 0.04 * side * rng.normal(size=2)
    half = (box[2:] - box[:2]) / 2 * np.exp(0.06 * rng.normal())
    return np.concatenate([middle - half, middle + half])


def crop_of(picture: Picture, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the crop `(140, 140, 3)` around a box and its landmarks `(L, 3)`."""
    matrix = framing.crop_matrix(box, CROP_SIZE)
    border = {"borderMode": cv2.BORDER_REFLECT_101}
    image = cv2.warpAffine(picture.pixels, matrix, (CROP_SIZE,) * 2, **border)
    landmarks = picture.landmarks.copy()
    landmarks[:, :2] = framing.apply_similarity(matrix, landmarks[:, :2])
    return image, landmarks
