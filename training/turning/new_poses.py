"""The poses to which photographed faces are turned."""

import numpy as np

#: |yaw| of turned faces: from, to, radians.
YAWS = (float(np.radians(20)), float(np.radians(75)))
#: The largest |yaw| that may be asked for, radians.
FURTHEST_YAW = float(np.radians(100))
#: Largest change of pitch, radians.
PITCH_CHANGE = float(np.radians(15))
#: Faces within this yaw turn either way, radians; others only further.
NEARLY_FRONTAL = float(np.radians(8))
_LEAST_TURN = float(np.radians(5))


def new_poses(
    yaw: float, copies: int, rng: np.random.Generator, yaws: tuple[float, float] = YAWS
) -> np.ndarray:
    """Returns turns for a face: changes of yaw and of pitch `(copies, 2)`, radians.

    A face is turned further in the direction in which it is already turned, which uncovers little
    that the photograph does not show. The new |yaw| are spread evenly over the part of `yaws`
    beyond the old one. A face that is already beyond them is turned further by 5°.

    Args:
        yaw: yaw of the photographed face, radians.
        copies: how many turns.
        rng: the random generator.
        yaws: |yaw| from, to, radians.
    """
    least, most = yaws
    smallest = max(least, abs(yaw) + _LEAST_TURN)
    poses = np.empty((copies, 2))
    for copy in range(copies):
        away = np.sign(yaw) if abs(yaw) > NEARLY_FRONTAL else rng.choice([-1.0, 1.0])
        target = least + (copy + rng.uniform()) / copies * (most - least)
        if target < smallest:
            target = rng.uniform(smallest, max(most, smallest))
        poses[copy] = away * target - yaw, rng.uniform(-PITCH_CHANGE, PITCH_CHANGE)
    return poses


def check_yaws(yaws: tuple[float, float]) -> None:
    """Raises a ValueError unless these are |yaw| from, to in radians, valid for `new_poses`."""
    if not 0 <= yaws[0] < yaws[1] <= FURTHEST_YAW:
        first, last = np.degrees(yaws)
        raise ValueError(
            "Expected |yaw| from a smaller to a larger angle within 0° to 100°, "
            f"received {first:.6g}° to {last:.6g}°."
        )
