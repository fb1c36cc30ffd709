"""From YuNet's and BlazeFace's results for a face to its roll and the box of its 68 landmarks."""

import numpy as np

# Where the tight box of an upright face's 68 landmarks lies in BlazeFace's square: x0, y0, x1,
# y1 in its sides. Mean over 210 training photographs of Helen, LFPW and YouTube Faces; standard
# deviation 0.05.
_LANDMARKS_IN_SQUARE = np.array([0.042, 0.109, 0.979, 1.019])
# Where it lies in YuNet's box: mean over 381 photographs of the same three, standard deviation
# 0.04.
_LANDMARKS_IN_BOX = np.array([-0.018, 0.230, 1.023, 1.013])


def roll_of(points: np.ndarray) -> float:
    """Returns the clockwise rotation of a face in the picture, in radians.

    It is the direction of a sum of two vectors: from eye to eye, and from the eyes to the mouth,
    turned back by a quarter turn. In a profile the first is short and counts little.

    Args:
        points: `(n, 2)`: image-left and image-right eye, tip of the nose, middle of the mouth, of
            an upright face; BlazeFace's others may follow.
    """
    left_eye, right_eye, _, mouth = points[:4]
    across, down = right_eye - left_eye, mouth - (left_eye + right_eye) / 2
    return float(np.arctan2(across[1] - down[0], across[0] + down[1]))


def four_points(points: np.ndarray) -> np.ndarray:
    """Returns eyes, tip of the nose and middle of the mouth from YuNet's five points `(5, 2)`."""
    return np.concatenate([points[:3], points[3:].mean(axis=0, keepdims=True)])


def landmark_box(square: np.ndarray) -> np.ndarray:
    """Returns the box of an upright face's landmarks from BlazeFace's square, both `(4,)`."""
    return _part_of(square, _LANDMARKS_IN_SQUARE)


def landmark_box_of_search(box: np.ndarray) -> np.ndarray:
    """Returns the box of the landmarks from YuNet's box, both `(4,)`; the face is not turned."""
    return _part_of(box, _LANDMARKS_IN_BOX)


def _part_of(box, part):
    return np.tile(box[:2], 2) + part * np.tile(box[2:] - box[:2], 2)


def turned_box(middle: np.ndarray, size: np.ndarray, roll: float) -> np.ndarray:
    """Returns the tight box `(4,)` of a turned face.

    Brows and jaw lie roughly on an ellipse. With half axes a and b, turned by φ, its tight box has
    half sides √((a cos φ)² + (b sin φ)²) and √((a sin φ)² + (b cos φ)²).

    Args:
        middle: `(2,)` of the face in pixels.
        size: `(2,)` width and height of the upright face.
        roll: φ in radians.
    """
    half = np.hypot(size * np.cos(roll), size[::-1] * np.sin(roll)) / 2
    return np.concatenate([middle - half, middle + half])
