"""From key points and a detector's box to the roll of a face and the box of its 68 landmarks."""

import numpy as np

# Where the tight box of an upright face's 68 landmarks lies in the detector's box: x0, y0, x1, y1
# in its widths and heights. Mean over 210 training photographs of Helen, LFPW and YouTube Faces;
# standard deviation 0.04.
LANDMARKS_IN_DETECTION = np.array([-0.015, 0.255, 1.015, 1.01])


def roll_of(points: np.ndarray) -> np.ndarray:
    """Returns by how many radians faces are turned clockwise in the picture.

    Three arrows add up: from eye to eye, from one corner of the mouth to the other, and from the
    eyes to the mouth, a quarter turn back. In a profile the first two are short and say little.

    Args:
        points: `(..., 5, 2)` eyes, tip of the nose, corners of the mouth; see `Candidates`.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = np.moveaxis(points, -2, 0)
    down = (left_mouth + right_mouth - left_eye - right_eye) / 2
    across = (right_eye - left_eye + right_mouth - left_mouth) / 2
    x, y = np.moveaxis(across, -1, 0)
    down_x, down_y = np.moveaxis(down, -1, 0)
    return np.arctan2(y - down_x, x + down_y)


def upright_landmark_boxes(boxes: np.ndarray) -> np.ndarray:
    """Returns the boxes of the landmarks of upright faces, for detector's boxes `(n, 4)`."""
    low, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
    return np.tile(low, 2) + LANDMARKS_IN_DETECTION * np.tile(size, 2)


def turned_boxes(centres: np.ndarray, sizes: np.ndarray, rolls: np.ndarray) -> np.ndarray:
    """Returns the tight boxes of turned faces.

    Brows and jaw lie about on an ellipse. With half axes a and b, turned by φ, its tight box has
    half sides √((a cos φ)² + (b sin φ)²) and √((a sin φ)² + (b cos φ)²).

    Args:
        centres: `(n, 2)` middles of the faces in pixels.
        sizes: `(n, 2)` width and height of the upright faces.
        rolls: `(n,)` radians.
    """
    cosine, sine = np.cos(rolls)[:, None], np.sin(rolls)[:, None]
    halves = np.hypot(sizes * cosine, sizes[:, ::-1] * sine) / 2
    return np.concatenate([centres - halves, centres + halves], axis=1)
