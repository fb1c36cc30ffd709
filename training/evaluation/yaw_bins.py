"""Faces by how far they are turned: the bins of |yaw| for measuring large poses."""

import numpy as np

#: Lower and upper ends of the bins of |yaw|, degrees. A bin includes its upper end, the first also
#: its lower end, and the last everything beyond.
YAW_BINS = ((0, 30), (30, 60), (60, 90))


def yaw_bin(yaw: np.ndarray) -> np.ndarray:
    """Returns the bin in `YAW_BINS` of each yaw `(n,)` in degrees, −1 where it is NaN."""
    upper = [bin[1] for bin in YAW_BINS[:-1]]
    return np.where(np.isfinite(yaw), np.searchsorted(upper, np.abs(yaw), side="left"), -1)


def balanced_subset(yaw: np.ndarray, seed: int = 0) -> np.ndarray:
    """Draws as many faces from each bin of |yaw| as the smallest bin has.

    For AFLW2000-3D this gives 696 faces, 232 with each of |yaw| up to 30°, 60° and 90°, as in some
    publications. Which faces they drew is not known.

    Args:
        yaw: `(n,)` degrees.
        seed: seed for the choice.

    Returns:
        The numbers of the chosen faces, in order.

    Raises:
        ValueError: if a bin has no face.
    """
    bins = yaw_bin(yaw)
    members = [np.flatnonzero(bins == number) for number in range(len(YAW_BINS))]
    counts = [len(numbers) for numbers in members]
    if not min(counts):
        raise ValueError(
            f"Expected faces in each of the bins of yaw {YAW_BINS} for a balanced subset, received "
            f"{counts} faces."
        )
    rng = np.random.default_rng(seed)
    return np.sort(
        np.concatenate([rng.choice(numbers, min(counts), replace=False) for numbers in members])
    )
