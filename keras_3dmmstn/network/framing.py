"""How a face is framed: from the box of its landmarks to the square that the network sees."""

import numpy as np

#: Side of the square crop, in larger sides of the tight box around the 68 landmarks. It takes in
#: the forehead, which rises above the landmarks.
CROP_TO_BOX = 1.7


def crop_square(box: np.ndarray) -> tuple[float, float, float]:
    """Returns the crop for a face: the square's centre (x, y) and side, in pixels.

    Args:
        box: x0, y0, x1, y1, the tight box of the face's 68 landmarks.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    return (x0 + x1) / 2, (y0 + y1) / 2, CROP_TO_BOX * max(x1 - x0, y1 - y0)


def crop_matrix(box: np.ndarray, image_size: int) -> np.ndarray:
    """Returns the similarity from photograph to crop pixels, `(2, 3)`.

    Pixel centres are at integer coordinates on both sides, so the square's edges go to −½ and
    `image_size` − ½.
    """
    x, y, side = crop_square(box)
    scale = image_size / side
    middle = (image_size - 1) / 2
    return np.array([[scale, 0, middle - scale * x], [0, scale, middle - scale * y]])


def apply_similarity(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Moves points `(..., 2)` by a `(2, 3)` matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def invert_similarity(matrix: np.ndarray) -> np.ndarray:
    """Returns the `(2, 3)` matrix that undoes a `(2, 3)` similarity."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.concatenate([inverse, -inverse @ matrix[:, 2:]], axis=1)


def tight_box(points: np.ndarray) -> np.ndarray:
    """Returns x0, y0, x1, y1 around points `(N, 2)`, leaving out those that are NaN."""
    return np.concatenate([np.nanmin(points, axis=0), np.nanmax(points, axis=0)])


def crop_matrices(boxes: np.ndarray, image_size: int) -> np.ndarray:
    """Returns the `crop_matrix` of each box `(n, 4)`, `(n, 2, 3)`."""
    return np.array([crop_matrix(box, image_size) for box in boxes]).reshape(-1, 2, 3)


def points_in_photograph(points: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Takes points `(n, P, 2)` from pixels of crops to pixels of their photographs.

    Args:
        points: of the crops.
        matrices: `(n, 2, 3)` similarities from photographs to crops.
    """
    inverse = np.array([invert_similarity(matrix) for matrix in matrices]).reshape(-1, 2, 3)
    return points @ inverse[:, :, :2].transpose(0, 2, 1) + inverse[:, None, :, 2]


def parameters_in_photograph(parameters: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Takes t and log s of θ from pixels of upright crops to pixels of their photographs.

    Args:
        parameters: `(n, 6 + D)` θ of the crops.
        matrices: `(n, 2, 3)`, as of `crop_matrix`.
    """
    zoom = matrices[:, 0, 0]
    moved = parameters.copy()
    moved[:, 3:5] = (parameters[:, 3:5] - matrices[:, :, 2]) / zoom[:, None]
    moved[:, 5] -= np.log(zoom)
    return moved
