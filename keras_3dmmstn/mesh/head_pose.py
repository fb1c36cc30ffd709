"""The pose of a head in conventional angles."""

from typing import NamedTuple

import numpy as np


class HeadPose(NamedTuple):
    """The pose of a head in degrees: at 0, 0, 0 it is upright and looks at the viewer.

    From that pose the head first tilts about the axis along which it looks (roll), then nods about
    the axis through its ears (pitch), then turns about the vertical (yaw).

    Attributes:
        yaw: positive if the face looks to the right of the image, in (−180, 180].
        pitch: positive if it looks up, in [−90, 90].
        roll: positive if its top is tilted clockwise, as seen by the viewer, in (−180, 180].
    """

    yaw: float
    pitch: float
    roll: float


def head_pose(rotation: np.ndarray) -> HeadPose:
    """Returns the pose of a head in degrees.

        R = R_y(−yaw) R_x(−pitch) R_z(roll),   pitch = asin(R₂₃),   roll = atan2(R₂₁, R₂₂)

    If pitch is ±90°, yaw and roll are the same turn, and it is given as yaw.

    Args:
        rotation: `(3, 3)` R, as for `yaw_of_rotation`.
    """
    pitch = np.arcsin(np.clip(rotation[1, 2], -1, 1))
    if np.hypot(rotation[1, 0], rotation[1, 1]) < 1e-6:
        yaw, roll = np.arctan2(rotation[2, 0], rotation[0, 0]), 0.0
    else:
        yaw = yaw_of_rotation(rotation)
        roll = np.arctan2(rotation[1, 0], rotation[1, 1])
    return HeadPose(*(float(angle) for angle in np.degrees([yaw, pitch, roll])))


def yaw_of_rotation(rotation: np.ndarray) -> np.ndarray:
    """Returns how far faces are turned sideways, in radians.

        yaw = atan2(−R₁₃, R₃₃)

    It is the angle, seen from above, between the direction to the viewer and the direction in
    which the face looks (−z turned by R): 0 if it looks at the viewer, positive if it looks to the
    right of the image, π if it looks away.

    Args:
        rotation: `(..., 3, 3)` R, which acts on column vectors: x right, y down, z away from the
            viewer.

    Returns:
        `(...)` radians in (−π, π].
    """
    return np.arctan2(-rotation[..., 0, 2], rotation[..., 2, 2])
