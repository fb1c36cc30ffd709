"""The framing of a face: from the box of its landmarks to the square that the network sees."""

import math

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

#: Side of the square crop, in larger sides of the tight box around the 68 landmarks. It includes
#: the forehead, which rises above the landmarks.
CROP_TO_BOX = 1.7


def crop_square(box: np.ndarray) -> tuple[float, float, float]:
    """Returns the crop for a face: the square's centre (x, y) and side, in pixels.

    Args:
        box: x0, y0, x1, y1, the tight box of the face's 68 landmarks.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    return (x0 + x1) / 2, (y0 + y1) / 2, CROP_TO_BOX * max(x1 - x0, y1 - y0)


def crop_matrix(box: np.ndarray, image_size: int, roll: float = 0.0) -> np.ndarray:
    """Returns the similarity from photograph to crop pixels, `(2, 3)`.

    Pixel centres are at integer coordinates in both, so the square's edges map to −½ and
    `image_size` − ½.

    Args:
        box: x0, y0, x1, y1, the tight box of the face's 68 landmarks.
        image_size: side of the crop in pixels.
        roll: clockwise rotation of the face in the photograph, radians; in the crop it is upright.
    """
    x, y, side = crop_square(box)
    scale = image_size / side
    cos, sin = scale * math.cos(roll), scale * math.sin(roll)
    turn = np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([turn, (image_size - 1) / 2 - turn @ [x, y]])


def apply_similarity(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transforms points `(..., 2)` by a `(2, 3)` matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def invert_similarity(matrix: np.ndarray) -> np.ndarray:
    """Returns the inverse `(2, 3)` of a similarity `(2, 3)`."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.concatenate([inverse, -inverse @ matrix[:, 2:]], axis=1)


def tight_box(points: np.ndarray) -> np.ndarray:
    """Returns x0, y0, x1, y1 around points `(N, 2)`, leaving out those that are NaN."""
    return np.concatenate([np.nanmin(points, axis=0), np.nanmax(points, axis=0)])


def crop_matrices(
    boxes: np.ndarray, image_size: int, rolls: np.ndarray | None = None
) -> np.ndarray:
    """Returns the `crop_matrix` of each box `(n, 4)`, with its roll `(n,)` if any: `(n, 2, 3)`."""
    rolls = np.zeros(len(boxes)) if rolls is None else rolls
    matrices = [crop_matrix(box, image_size, r) for box, r in zip(boxes, rolls, strict=True)]
    return np.array(matrices).reshape(-1, 2, 3)


def joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns similarities `(n, 2, 3)` that apply the first, then the second, both `(n, 2, 3)`."""
    turn = second[:, :, :2]
    return np.concatenate([turn @ first[:, :, :2], turn @ first[:, :, 2:] + second[:, :, 2:]], 2)


def zooms(matrices: np.ndarray) -> np.ndarray:
    """Returns the scale factors `(n,)` of similarities `(n, 2, 3)`."""
    return np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])


def rolls(matrices: np.ndarray) -> np.ndarray:
    """Returns the clockwise rotations of crops in their photographs, `(n,)` radians.

    Args:
        matrices: `(n, 2, 3)`, as from `crop_matrix`.
    """
    return np.arctan2(matrices[:, 0, 1], matrices[:, 0, 0])


def points_in_photograph(points: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Converts points `(n, P, 2)` from pixels of crops to pixels of their photographs.

    Args:
        points: of the crops, float32 or float64.
        matrices: `(n, 2, 3)` similarities from photographs to crops.

    Returns:
        `(n, P, 2)` of the same type.
    """
    moved = np.empty_like(points)
    if not points.size:  # which OpenCV does not accept
        return moved
    for place, face, matrix in zip(moved, points, matrices, strict=True):
        # With so small a matrix, this takes a thirtieth of the time of NumPy's product.
        place[:] = cv2.transform(face[:, None], invert_similarity(matrix))[:, 0]
    return moved


def parameters_in_photograph(parameters: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Converts r, t and log s of θ from crops to their photographs.

    Args:
        parameters: `(n, 6 + D)` θ of the crops.
        matrices: `(n, 2, 3)`, as from `crop_matrix`.
    """
    moved, zoom = parameters.copy(), zooms(matrices)
    offsets = (parameters[:, 3:5] - matrices[:, :, 2]) / zoom[:, None] ** 2
    moved[:, 3:5] = np.einsum("nij,ni->nj", matrices[:, :, :2], offsets)
    moved[:, 5] -= np.log(zoom)
    turned = rolls(matrices) != 0
    if turned.any():
        roll = Rotation.from_rotvec(rolls(matrices)[turned, None] * [0.0, 0.0, 1.0])
        moved[turned, :3] = (roll * Rotation.from_rotvec(parameters[turned, :3])).as_rotvec()
    return moved


def parameters_in_crop(parameters: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Converts r, t and log s of θ from photographs to crops: undoes `parameters_in_photograph`.

    Args:
        parameters: `(n, 6 + D)` θ of the photographs.
        matrices: `(n, 2, 3)`, from photographs to crops, as from `crop_matrix`.
    """
    inverse = np.array([invert_similarity(matrix) for matrix in matrices]).reshape(-1, 2, 3)
    return parameters_in_photograph(parameters, inverse)
