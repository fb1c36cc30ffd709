"""A small toy face for tests and examples: not a real person's shape, and no file to load."""

import numpy as np

from keras_3dmmstn.mesh.flattening.flatten import flatten_symmetric
from keras_3dmmstn.mesh.flattening.resample import resample
from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, MIRROR
from keras_3dmmstn.mesh.shape_model import ShapeModel

# The ibug68 points of the image-left half and the symmetry line, and (x, y) in mm of those that are
# not on the jaw.
_LEFT_HALF = (
    *range(9),  # jaw
    *range(17, 22),  # brow
    *range(27, 34),  # nose
    *range(36, 42),  # eye
    *(48, 49, 50, 51, 57, 58, 59),  # outer lips
    *(60, 61, 62, 66, 67),  # inner lips
)
_LEFT_HALF_POSITIONS = (
    *[(-54, -38), (-44, -46), (-34, -48), (-24, -46), (-13, -42)],
    *[(0, -24), (0, -12), (0, 0), (0, 12), (-12, 22), (-6, 25), (0, 27)],
    *[(-44, -24), (-36, -30), (-26, -30), (-17, -23), (-26, -18), (-36, -18)],
    *[(-26, 48), (-17, 41), (-6, 38), (0, 40), (0, 64), (-7, 63), (-18, 58)],
    *[(-20, 49), (-8, 45), (0, 46), (0, 54), (-8, 54)],
)


def toy_shape_model(rows: int = 61, columns: int = 61) -> ShapeModel:
    """Makes a mask-like face of 150 × 190 mm with a nose, six modes and both landmark sets.

    Args:
        rows, columns: vertices down and across; `columns` is odd, so that one column is the
            symmetry line.

    Returns:
        A model with three identity modes (width, length, nose) and three expression modes (open
        mouth, brows, and a sideways mouth, which is not symmetric).

    Raises:
        ValueError: if the mesh is too coarse or has no middle column.
    """
    if columns % 2 == 0 or min(rows, columns) < 31:
        raise ValueError(
            "toy_shape_model expects at least 31 rows and an odd number of at least 31 columns, "
            f"received {rows} x {columns}."
        )
    across, down = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(-1, 1, rows))
    angle = np.radians(80) * across
    width = 75 * np.cos(np.radians(45) * down)
    x, y = width * np.sin(angle), 95 * down
    mean = np.stack([x, y, 60 - width * np.cos(angle)], axis=-1).reshape(-1, 3)
    x, y = mean[:, 0], mean[:, 1]
    nose = _bump(x, y - 12, 10, 22)
    mean[:, 2] -= 22 * nose

    still = np.zeros_like(x)
    mouth = _bump(x, y - 50, 22, 12)
    below_mouth = np.where(y > 45, _bump(x, y - 55, 30, 20), 0)
    brows = _bump(np.abs(x) - 30, y + 42, 20, 12)
    basis = np.array(
        [
            [0.05 * x, still, still],
            [still, 0.05 * y, still],
            [still, still, -4 * nose],
            [still, 8 * below_mouth, 2 * below_mouth],
            [still, -4 * brows, still],
            [4 * mouth, still, still],
        ]
    )
    index = np.arange(rows * columns).reshape(rows, columns)
    mirror = index[:, ::-1].ravel()
    return ShapeModel(
        mean=mean,
        basis=basis.transpose(0, 2, 1),
        triangles=_triangulate(index),
        landmarks=_toy_landmarks(mean, mirror),
        identity_count=3,
        mirror=mirror,
        name="toy face",
    )


def toy_grid_model(grid_shape: tuple[int, int] = (32, 32)) -> GridModel:
    """Makes the toy face on an H'×W' grid."""
    model = toy_shape_model()
    uv = flatten_symmetric(model.mean, model.triangles, model.mirror)
    return resample(model, uv, grid_shape)


def _bump(x, y, width, height):
    return np.exp(-((x / width) ** 2) - (y / height) ** 2)


def _triangulate(index):
    """Returns two outward triangles per cell, mirror symmetric, with a diagonal in every corner."""
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    falling = np.stack([a, c, d, a, d, b], axis=-1)
    rising = np.stack([a, c, b, b, c, d], axis=-1)
    cell_row, cell_column = np.indices(a.shape)
    upper, left = cell_row < a.shape[0] / 2, cell_column < a.shape[1] / 2
    return np.where((upper == left)[..., None], falling, rising).reshape(-1, 3)


def _toy_landmarks(mean, mirror):
    """Returns both landmark sets: the vertices nearest to a drawn layout, mirror symmetric."""
    jaw_angle = np.radians(np.linspace(-90, 0, 9))
    jaw_left_half = np.stack([66 * np.sin(jaw_angle), 82 * np.cos(jaw_angle)], axis=1)
    half = dict(zip(_LEFT_HALF, [*jaw_left_half, *_LEFT_HALF_POSITIONS], strict=True))
    ibug68 = np.full(IBUG68_COUNT, -1)
    on_line = mirror == np.arange(len(mirror))
    for number, position in half.items():
        squared_distance = np.sum((mean[:, :2] - position) ** 2, axis=1)
        if position[0] == 0:
            squared_distance = np.where(on_line, squared_distance, np.inf)
        nearest = int(np.argmin(squared_distance))
        ibug68[number] = nearest
        ibug68[MIRROR["ibug68"][number]] = mirror[nearest]

    def nearest_to(x, y):
        return int(np.argmin(np.sum((mean[:, :2] - (x, y)) ** 2, axis=1)))

    eye, ear, lips = nearest_to(-31, -24), nearest_to(-70, 20), ibug68[62]
    aflw21 = [
        *ibug68[[17, 19, 21, 22, 24, 26, 36]],
        *(eye, ibug68[39], ibug68[42], mirror[eye], ibug68[45], ear),
        *(*ibug68[[31, 30, 35]], mirror[ear], *ibug68[[48]], lips, *ibug68[[54, 8]]),
    ]
    return {"ibug68": ibug68, "aflw21": np.array(aflw21)}
