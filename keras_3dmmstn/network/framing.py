"""How a face is framed: from the box of its landmarks to the square that the network sees."""

import numpy as np

#: Side of the square crop, in larger sides of the tight box around the 68 landmarks. It takes in
#: the forehead, which rises above the landmarks.
CROP_SHARE = 1.7


def crop_square(box: np.ndarray) -> tuple[float, float, float]:
    """Returns the crop for a face: the square's centre (x, y) and side, in pixels.

    Args:
        box: x0, y0, x1, y1, the tight box of the face's 68 landmarks.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    return (x0 + x1) / 2, (y0 + y1) / 2, CROP_SHARE * max(x1 - x0, y1 - y0)


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
