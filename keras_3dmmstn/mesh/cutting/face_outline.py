"""The outline of the face from hairline to jaw, as seen from inside the head."""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import CubicSpline

# As seen from a point inside the head: the angle (degrees) from straight ahead at which the
# surface ends, for a direction that turns from the crown (0) over the side (90) to the chin (180).
# Hairline, temple, ear front, ear lobe, jaw angle, under the jaw.
FACE_OUTLINE = (
    (0, 57), (35, 63), (65, 81), (90, 90), (108, 91.5), (122, 90), (137, 86), (158, 71), (180, 64)
)  # fmt: skip
# From the middle between the eyeballs, in interpupillary distances: down, and back.
_OUTLINE_CENTRE = (0.4, 0.95)


def angle_beyond_outline(
    points: np.ndarray,
    eye: np.ndarray,
    outline: Sequence[tuple[float, float]] = FACE_OUTLINE,
) -> np.ndarray:
    """Returns the angle by which each point lies outside the outline of the face.

    Args:
        points: `(N, 3)`, x right, y down, z away from the viewer; the head is symmetric about
            x = 0.
        eye: `(3,)` the centre of one eyeball.
        outline: pairs of degrees: a direction, rising from 0 (the crown) over the side to 180 (the
            chin), and the angle from straight ahead at which the face ends there.

    Returns:
        `(N,)` radians, negative inside the face.
    """
    half_distance = abs(eye[0])
    down, back = np.array(_OUTLINE_CENTRE) * 2 * half_distance
    x, y, z = (points - [0, eye[1] + down, eye[2] + back]).T
    turn = np.degrees(np.arctan2(np.abs(x), -y))
    turns, limits = np.array(outline, float).T
    limit = CubicSpline(turns, np.radians(limits), bc_type="clamped")(turn)
    return np.arctan2(np.hypot(x, y), -z) - limit
