"""Pictures of painted cars on made-up backgrounds, with their landmarks."""

from typing import NamedTuple

import cv2
import numpy as np
from car_paint import AXLES, WHEEL_RADIUS, Paint, paint_surface
from car_shapes import (
    ELEVATION,
    CarShape,
    body,
    evenly,
    finer,
    in_view_frame,
    landmarks,
    on_the_road,
    sampled,
)
from scipy.spatial.transform import Rotation

_SUPERSAMPLING = 2
# A landmark is seen unless something is so many millimetres before it.
_BEFORE = 60.0


class Pose(NamedTuple):
    """How a car is seen.

    Attributes:
        yaw: by how much it is turned about its own vertical, radians; positive shows more of the
            flank that is image-right.
        elevation: from how far above it is looked at, radians.
        roll: turned in the picture, radians.
        scale: pixels per millimetre.
        place: (x, y) of its middle in pixels.
    """

    yaw: float
    elevation: float
    roll: float
    scale: float
    place: tuple[float, float]

    def matrix(self) -> np.ndarray:
        """Returns the rotation `(3, 3)` from the frame of `body`."""
        upright = Rotation.from_rotvec([-ELEVATION, 0, 0])
        turned = Rotation.from_rotvec([0, self.yaw, 0]) * upright
        seen = Rotation.from_rotvec([self.elevation, 0, 0]) * turned
        return (Rotation.from_rotvec([0, 0, self.roll]) * seen).as_matrix()


class Picture(NamedTuple):
    """A picture of a car.

    Attributes:
        pixels: `(size, size, 3)` uint8 RGB.
        landmarks: `(L, 3)` x, y in pixels, and 1 where the landmark is seen, otherwise 0.
        box: `(4,)` x0, y0, x1, y1 around the body.
    """

    pixels: np.ndarray
    landmarks: np.ndarray
    box: np.ndarray


def random_pose(rng: np.random.Generator, size: int) -> Pose:
    """Draws a pose in which the car fills about half of a picture."""
    yaw = np.radians(rng.uniform(-60, 60))
    elevation, roll = np.radians(rng.uniform(8, 45)), np.radians(rng.normal(0, 6))
    scale = size / 4200 * rng.uniform(0.5, 0.62)
    x, y = size / 2 + 0.05 * size * rng.uniform(-1, 1, 2)
    return Pose(yaw, elevation, roll, scale, (float(x), float(y)))


def picture_of(
    shape: CarShape,
    paint: Paint,
    pose: Pose,
    size: int,
    rng: np.random.Generator,
    detail: int = 210,
) -> Picture:
    """Draws a car by points of its surface, the farthest first.

    Args:
        shape, paint, pose: of the car.
        size: side of the picture in pixels.
        rng: draws background, light and noise.
        detail: points of the surface down and across.
    """
    road = on_the_road(shape)
    places = evenly(road, detail)
    colours = sampled(paint_surface(paint, finer(road, detail), shape), places)
    turn = pose.matrix()
    surface = in_view_frame(sampled(road, places), shape) @ turn.T
    lit = _lit(surface, colours, rng)
    wheels, wheel_colours = _wheels(shape, detail // 6)
    points = np.concatenate([surface.reshape(-1, 3), in_view_frame(wheels, shape) @ turn.T])
    points = points.astype(np.float32)
    colours = np.concatenate([lit.reshape(-1, 3), wheel_colours]).astype(np.float32)

    side = size * _SUPERSAMPLING
    scale, offset = _SUPERSAMPLING * pose.scale, _SUPERSAMPLING * (np.array(pose.place) + 0.5) - 0.5
    canvas = _background(side, rng)
    _shade_road(canvas, shape, turn, scale, offset)
    depth = np.full((side, side), np.inf, np.float32)
    places = np.round(points[:, :2] * scale + offset).astype(int)
    kept = ((places >= 0) & (places < side)).all(axis=1)
    order = np.flatnonzero(kept)[np.argsort(-points[kept, 2])]
    x, y = places[order].T
    canvas[y, x] = colours[order]  # of those on one pixel the last, which is the nearest
    depth[y, x] = points[order, 2]
    pixels = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    pixels = pixels * rng.uniform(0.75, 1.15) + rng.normal(0, rng.uniform(0, 6), pixels.shape)

    vertices = body(shape) @ turn.T
    marked = vertices[landmarks()]
    outline = vertices[:, :2] * pose.scale + pose.place
    return Picture(
        pixels=np.clip(np.round(pixels), 0, 255).astype(np.uint8),
        landmarks=np.column_stack(
            [marked[:, :2] * pose.scale + pose.place, _seen(marked, depth, scale, offset)]
        ),
        box=np.concatenate([outline.min(axis=0), outline.max(axis=0)]),
    )


def _lit(points, colours, rng):
    """Returns the colours `(S, S, 3)` of turned points `(S, S, 3)` in a random light."""
    down, across = (np.gradient(points, axis=axis) for axis in (0, 1))
    normals = np.cross(down, across)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
    towards = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-1, -0.5), rng.uniform(-1, -0.3)])
    towards /= np.linalg.norm(towards)
    ambient = rng.uniform(0.35, 0.6)
    cosine = np.clip(normals @ towards, 0, 1)[..., None]
    half = towards + [0, 0, -1]
    gloss = np.clip(normals @ (half / np.linalg.norm(half)), 0, 1)[..., None] ** 40
    light = ambient + (1.1 - ambient) * cosine
    lit = colours * light + rng.uniform(20, 90) * gloss
    return np.where(normals[..., 2:] < 0, lit, 14.0)  # of what faces away, the dark inside


def _wheels(shape, detail):
    """Returns points `(n, 3)` of the road's frame, and their colours."""
    radius, angle = np.meshgrid(np.linspace(0, 1, detail // 2), np.linspace(0, 6.283, 3 * detail))
    spoke = (np.abs(np.sin(2.5 * angle)) > 0.35) | (radius < 0.2)
    grey = np.where(radius > 0.66, 25.0, np.where(spoke, 175.0, 60.0)).ravel()
    height = WHEEL_RADIUS * (1 + (radius * np.sin(angle)).ravel())
    behind = WHEEL_RADIUS * (radius * np.cos(angle)).ravel()
    points, colours = [], []
    for axle in AXLES:
        for x in (0.485, 0.42, -0.42, -0.485):
            across = np.full_like(height, x * shape.width)
            points.append(np.stack([across, height, behind + axle * shape.length], axis=1))
            colours.append(grey if abs(x) == 0.485 else np.full_like(grey, 18.0))
    return np.concatenate(points), np.repeat(np.concatenate(colours)[:, None], 3, axis=1)


def _seen(marked, depth, scale, offset):
    """Says which landmarks `(L, 3)` are not behind something, `(L,)`."""
    side = len(depth)
    near = cv2.dilate(np.where(np.isinf(depth), 1e9, depth).astype(np.float32), np.ones((5, 5)))
    x, y = np.round(marked[:, :2] * scale + offset).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < side) & (y < side)
    before = near[np.clip(y, 0, side - 1), np.clip(x, 0, side - 1)]
    return inside & (marked[:, 2] < before + _BEFORE)


def _shade_road(canvas, shape, turn, scale, offset):
    """Draws the shadow below a car, in place."""
    half, length = 0.55 * shape.width, shape.length
    corners = [(-half, 0, -100), (half, 0, -100), (half, 0, length), (-half, 0, length)]
    places = (in_view_frame(np.array(corners, float), shape) @ turn.T)[:, :2] * scale + offset
    mask = np.zeros(canvas.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, np.round(places).astype(np.int32), 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), len(canvas) / 60)
    canvas *= 1 - 0.75 * mask[..., None]


def _background(side, rng):
    """Returns a picture `(side, side, 3)` float32 of gradients, clouds of noise and shapes."""
    picture = np.zeros((side, side, 3), np.float32)
    for cells in (2, 5, 17, 60):
        noise = rng.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
        noise = (0.4 * noise + 0.6 * noise.mean(axis=-1, keepdims=True)).astype(np.float32)
        weight = rng.uniform(0.1, 0.5) * (1 if cells < 10 else 0.5)
        picture += weight * cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    picture = np.ascontiguousarray(np.clip(picture, 0, 255))
    for _ in range(rng.integers(0, 14)):
        colour = rng.uniform(0, 255, 3).tolist()
        a, b = rng.integers(-side // 4, side + side // 4, (2, 2)).tolist()
        kind = rng.integers(3)
        if kind == 0:
            cv2.rectangle(picture, a, b, colour, -1)
        elif kind == 1:
            cv2.line(picture, a, b, colour, int(rng.integers(1, side // 20)), cv2.LINE_AA)
        else:
            axes = rng.integers(side // 40, side // 4, 2).tolist()
            cv2.ellipse(picture, a, axes, rng.uniform(0, 180), 0, 360, colour, -1)
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, side / 70))
