"""Car bodies as registered meshes: one topology, many shapes, landmarks with names."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial.transform import Rotation

#: Rows and columns of the meshes; the middle column is the symmetry line.
SIZE = 81
#: From so far above, in radians, the viewer looks at a car that is not turned.
ELEVATION = np.radians(25)
# In cells, how round edges are.
_ROUNDNESS = 1.1
#: Rows of the cage that a body is drawn on, from the rear over the roof to under the bumper, and
#: columns, from the symmetry line to the sill.
ROWS = ("rear", "rear window", "roof rear", "roof front", "cowl", "bonnet", "nose", "grille", "lip")
COLUMNS = ("middle", "quarter", "edge", "belt", "flank", "sill")

#: Landmarks of the image-left half and of the symmetry line: name to (row, column) of the cage.
LEFT_LANDMARKS = {
    "rear corner": (0, 2),
    "rear window base": (1, 2),
    "roof rear": (2, 2),
    "roof front": (3, 2),
    "windscreen base": (4, 2),
    "bonnet corner": (6, 2),
    "grille corner": (7, 2),
    "lip corner": (8, 2),
    "belt front": (4, 3),
    "belt rear": (1, 3),
    "sill front": (6, 5),
    "sill middle": (3, 5),
    "sill rear": (1, 5),
}
MIDDLE_LANDMARKS = {
    "roof rear middle": (2, 0),
    "roof front middle": (3, 0),
    "cowl middle": (4, 0),
    "nose middle": (6, 0),
    "lip middle": (8, 0),
}
LANDMARK_NAMES = (
    *(f"left {name}" for name in LEFT_LANDMARKS),
    *(f"right {name}" for name in LEFT_LANDMARKS),
    *MIDDLE_LANDMARKS,
)


@dataclass(frozen=True)
class CarShape:
    """What bodies differ in; lengths in millimetres, `clearance` to `belt` above the ground.

    The defaults are about the middle of what `random_shape` draws.
    """

    length: float = 4200
    width: float = 1760
    roof: float = 1450
    belt: float = 900
    nose: float = 760
    clearance: float = 230
    bonnet: float = 0.27  # share of the length that lies before the windscreen
    windscreen: float = 0.15  # share that the windscreen covers, seen from above
    boot: float = 0.14  # share behind the rear window
    rear_window: float = 0.10  # share that it covers, seen from above
    taper: float = 0.80  # width of the roof in widths of the body
    wedge: float = 0.86  # width of the nose in widths of the body


def random_shape(rng: np.random.Generator) -> CarShape:
    """Draws a body between a small hatchback, a saloon, a van and a sports car."""
    middle, spread = CarShape(), rng.uniform(-1, 1, 12)
    change = [420, 90, 190, 60, 80, 50, 0.055, 0.035, 0.085, 0.04, 0.07, 0.05] * spread
    names = CarShape.__dataclass_fields__
    return CarShape(**{n: getattr(middle, n) + c for n, c in zip(names, change, strict=True)})


def triangles() -> np.ndarray:
    """Returns the triangles of all bodies, `(T, 3)`, outward, with mirrored diagonals."""
    index = np.arange(SIZE * SIZE).reshape(SIZE, SIZE)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    falling = np.stack([a, c, d, a, d, b], axis=-1)
    rising = np.stack([a, c, b, b, c, d], axis=-1)
    is_left = np.arange(SIZE - 1) < (SIZE - 1) / 2
    return np.where(is_left[:, None], rising, falling).reshape(-1, 3)


def landmarks() -> np.ndarray:
    """Returns the vertices of the landmarks, in the order of `LANDMARK_NAMES`."""
    left = [_vertex(row, -column) for row, column in LEFT_LANDMARKS.values()]
    right = [_vertex(row, column) for row, column in LEFT_LANDMARKS.values()]
    return np.array([*left, *right, *(_vertex(*place) for place in MIDDLE_LANDMARKS.values())])


def cage_to_unit(row: float, column: float) -> tuple[float, float]:
    """Returns where a place of the cage is on the surface: (down, across), both in 0..1."""
    return row / (len(ROWS) - 1), 0.5 + 0.5 * column / (len(COLUMNS) - 1)


def body(shape: CarShape) -> np.ndarray:
    """Returns the vertices `(SIZE², 3)` of a body: x right, y down, z away, millimetres.

    The car looks at the viewer, who looks down on it; the origin is its middle.
    """
    return in_view_frame(on_the_road(shape), shape).reshape(-1, 3)


def on_the_road(shape: CarShape) -> np.ndarray:
    """Returns the surface `(SIZE, SIZE, 3)`: x right, height above the road, distance from the
    front end."""
    half = _cage(shape)
    cage = np.concatenate([half[:, :0:-1] * [-1, 1, 1], half], axis=1)
    rows = np.linspace(0, len(cage) - 1, SIZE)
    columns = np.linspace(0, cage.shape[1] - 1, SIZE)
    places = np.meshgrid(rows, columns, indexing="ij")
    surface = [map_coordinates(cage[..., axis], places, order=1) for axis in range(3)]
    surface = np.stack([gaussian_filter(s, _ROUNDNESS, mode="nearest") for s in surface], axis=-1)
    # Exactly symmetric, whatever the last bits of the filter are.
    return (surface + surface[:, ::-1] * [-1, 1, 1]) / 2


def in_view_frame(points: np.ndarray, shape: CarShape) -> np.ndarray:
    """Takes points `(..., 3)` of the road's frame to that of `body`."""
    x, height, behind = np.moveaxis(np.asarray(points, float), -1, 0)
    centred = np.stack([x, 0.5 * shape.roof - height, behind - 0.42 * shape.length], axis=-1)
    return centred @ Rotation.from_rotvec([ELEVATION, 0, 0]).as_matrix().T


def _cage(shape):
    """Returns the image-right half of the cage, `(rows, columns, 3)` in the road's frame."""
    s, length, half = shape, shape.length, shape.width / 2
    cowl = s.bonnet * length
    roof_front = cowl + s.windscreen * length
    boot = length * (1 - s.boot)
    roof_rear = boot - s.rear_window * length
    roof_edge, glass_base, below = half * s.taper, half * 0.90, s.clearance
    # Along the symmetry line: distance from the front end, height, half width at the edge, and
    # where the row ends on the sill.
    line = [
        (length, s.belt + 20, half * 0.84, length),
        (boot, s.belt + 45, glass_base, 0.86 * length),
        (roof_rear, s.roof - 25, roof_edge * 0.97, 0.68 * length),
        (roof_front, s.roof, roof_edge, 0.50 * length),
        (cowl, s.belt + 50, glass_base, 0.38 * length),
        (0.52 * cowl, (s.belt + 50 + s.nose) / 2 + 25, half * 0.88, 0.30 * length),
        (0.05 * cowl, s.nose, half * s.wedge, 0.22 * length),
        (0.0, (s.nose + below) / 2 + 20, half * s.wedge, 0.16 * length),
        (70.0, below, half * s.wedge * 0.97, 0.11 * length),
    ]
    cage = np.zeros((len(ROWS), len(COLUMNS), 3))
    for row, (behind, height, edge, end) in enumerate(line):
        on_front = row >= 6
        back = (60, 60, 90)[row - 6] if on_front else 25
        cage[row, 0] = 0, height, behind
        cage[row, 1] = 0.55 * edge, height - 5, behind + 0.25 * back
        cage[row, 2] = edge, height - 25, behind + back
        belt = min(s.belt, height - 60)
        if on_front:
            belt = height - 25 - (0, 0, 0)[row - 6]
        reach = (0.07, 0.045, 0.035)[row - 6] * length if on_front else 0
        cage[row, 3] = half * (0.96 if on_front else 0.985), belt, behind + back + reach
        middle = (cage[row, 3] + [half, below + 0.1 * (belt - below), end]) / 2
        cage[row, 4] = half, middle[1], middle[2]
        cage[row, 5] = half * 0.96, below, end
    return cage


def _vertex(row, column):
    """Returns the vertex nearest to a place of the cage."""
    down, across = cage_to_unit(row, column)
    return round(down * (SIZE - 1)) * SIZE + round(across * (SIZE - 1))


def finer(surface: np.ndarray, size: int) -> np.ndarray:
    """Returns a surface `(S, S, 3)` on `size` × `size` points."""
    return sampled(surface, (np.linspace(0, 1, size), np.linspace(0, 1, size)))


def evenly(surface: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns `size` places down and across, in 0..1, about equally far apart on a surface."""
    places = []
    for axis in (0, 1):
        steps = np.linalg.norm(np.diff(surface, axis=axis), axis=-1).max(axis=1 - axis)
        length = np.concatenate([[0.0], np.cumsum(steps)])
        unit = np.linspace(0, 1, len(length))
        places.append(np.interp(np.linspace(0, length[-1], size), length, unit))
    return places[0], places[1]


def sampled(grid: np.ndarray, places: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Returns the values of a grid `(S, S, 3)` at places down and across, in 0..1."""
    down, across = np.meshgrid(*[(len(grid) - 1) * place for place in places], indexing="ij")
    maps = across.astype(np.float32), down.astype(np.float32)
    return cv2.remap(grid.astype(np.float32), *maps, cv2.INTER_LINEAR)
