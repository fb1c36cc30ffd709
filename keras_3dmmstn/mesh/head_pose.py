"""The pose of a head in angles that people use."""

import numpy as np


def yaw_of_rotation(rotation: np.ndarray) -> np.ndarray:
    """Returns by how much faces are turned sideways, radians.

        yaw = atan2(−R₁₃, R₃₃)

    It is the angle between the viewer and where the face looks, −z turned by R, seen from above:
    0 where it looks at the viewer, positive where it looks to the right of the image, π where it
    looks away.

    Args:
        rotation: `(..., 3, 3)` R, which acts on column vectors: x right, y down, z away from the
            viewer.

    Returns:
        `(...)` radians in (−π, π].
    """
    return np.arctan2(-rotation[..., 0, 2], rotation[..., 2, 2])
