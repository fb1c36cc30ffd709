"""How good the normalised textures of cars are: against the truth, and in several poses."""

from itertools import combinations
from typing import NamedTuple

import car_shapes
import cv2
import numpy as np
from car_data import moved_box
from car_model import on_the_grid
from car_paint import random_paint
from car_pictures import Pose, picture_of, random_pose

from keras_3dmmstn import Normaliser
from keras_3dmmstn.drawing.panels import resized

SIZE, DETAIL = 256, 400
_CARS, _POSES = 24, 4


class Views(NamedTuple):
    """Pictures of one car in several poses, and its normalised faces.

    Attributes:
        shape: of the car.
        poses: in which it is seen.
        pictures: `(SIZE, SIZE, 3)` uint8 RGB each.
        faces: a `NormalisedFace` for each.
    """

    shape: car_shapes.CarShape
    poses: list[Pose]
    pictures: list[np.ndarray]
    faces: list


def views_of(
    normaliser: Normaliser, seed: int, yaws: tuple[float, ...] | None = None, style=None
) -> Views:
    """Draws a car that no network has seen and normalises it.

    Args:
        normaliser: of cars.
        seed: of the car and its poses.
        yaws: of the poses, degrees; None for four random ones.
        style: of the paint; None for any.
    """
    rng = np.random.default_rng([99, seed])
    shape, paint = car_shapes.random_shape(rng), random_paint(rng)
    while style is not None and paint.style != style:
        paint = random_paint(rng)
    poses = [random_pose(rng, SIZE) for _ in yaws or range(_POSES)]
    if yaws is not None:
        poses = [pose._replace(yaw=np.radians(y)) for pose, y in zip(poses, yaws, strict=True)]
    drawn = [picture_of(shape, paint, pose, SIZE, rng, DETAIL) for pose in poses]
    boxes = [[moved_box(picture.box, rng)] for picture in drawn]
    pictures = [picture.pixels for picture in drawn]
    photographs = normaliser.normalise_batch(pictures, boxes)
    return Views(shape, poses, pictures, [photograph.faces[0] for photograph in photographs])


def measure_textures(normaliser: Normaliser) -> dict[str, dict[str, float]]:
    """Returns what textures are worth, on held-out cars.

    `places`: how far the grid's visible vertices are from where they belong on the true car, in %
    of √(w·h) of its box. `same car` and `other cars`: the correlation of two pictures where both
    see the car, of textures and of crops that are not normalised.
    """
    cars = [views_of(normaliser, seed) for seed in range(_CARS)]
    places = np.concatenate([_errors(car) for car in cars])
    textures = [[_standardised(f.texture, f.mask) for f in car.faces] for car in cars]
    crops = [list(map(_crop, car.pictures, car.faces)) for car in cars]
    return {
        "places": {
            "mean": round(float(places.mean()), 2),
            "95 %": round(float(np.quantile(places, 0.95)), 2),
        },
        "correlation of textures": _agreement(textures),
        "correlation of crops": _agreement(crops),
    }


def _errors(car):
    """Returns the errors of the visible vertices of one car's faces, in % of the box."""
    truth = on_the_grid(car_shapes.body(car.shape))
    errors = []
    for pose, face in zip(car.poses, car.faces, strict=True):
        true = (truth @ pose.matrix().T)[:, :2] * pose.scale + pose.place
        size = np.sqrt(np.prod(np.ptp(true, axis=0)))
        errors.append(100 * np.linalg.norm(face.points - true, axis=1)[face.visible] / size)
    return np.concatenate(errors)


def _standardised(texture, mask):
    """Returns grey levels and mask of a texture, both small."""
    grey = resized(cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY), 64)
    return grey.astype(float), resized(mask.astype(np.float32), 64) == 1


def _crop(picture, face):
    """Returns grey levels of a face's box, and that all of it is seen."""
    x0, y0, x1, y1 = np.clip(np.round(face.box).astype(int), 0, SIZE)
    grey = resized(cv2.cvtColor(picture[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY), 64)
    return grey.astype(float), np.ones(grey.shape, bool)


def _agreement(cars):
    """Returns mean correlations of one car's pictures, and of different cars'."""
    same = [_correlation(a, b) for car in cars for a, b in combinations(car, 2)]
    others = [_correlation(a, b) for one, other in combinations(cars, 2)
              for a, b in zip(one, other, strict=True)]  # fmt: skip
    same, others = np.array(same), np.array(others)
    return {
        "same car": round(float(same.mean()), 2),
        "other cars": round(float(others.mean()), 2),
        # How often a pair of the same car agrees better than one of different cars.
        "told apart": round(float((same[:, None] > others).mean()), 3),
    }


def _correlation(first, second):
    """Returns the correlation of two grey pictures where both are seen."""
    (a, seen_a), (b, seen_b) = first, second
    both = seen_a & seen_b
    if both.sum() < 30:
        return 0.0
    return float(np.corrcoef(a[both], b[both])[0, 1])
