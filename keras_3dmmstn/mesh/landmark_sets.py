"""The landmark sets known by name: their sizes, mirror permutations and drawing lines."""

import numpy as np

#: The names of the 21 points of AFLW, in the database's order (feature_id 1 to 21).
AFLW21_NAMES = (
    "left brow left corner",
    "left brow centre",
    "left brow right corner",
    "right brow left corner",
    "right brow centre",
    "right brow right corner",
    "left eye left corner",
    "left eye centre",
    "left eye right corner",
    "right eye left corner",
    "right eye centre",
    "right eye right corner",
    "left ear",
    "nose left",
    "nose centre",
    "nose right",
    "right ear",
    "mouth left corner",
    "mouth centre",
    "mouth right corner",
    "chin centre",
)

#: How many of the first points of `ibug68` are on the jaw line: they lie on the apparent contour
#: of the face, which moves over its surface when the face turns.
JAW_POINTS = 17

_IBUG68_GROUPS = {
    "jaw": JAW_POINTS,
    "left brow": 5,
    "right brow": 5,
    "nose bridge": 4,
    "nose base": 5,
    "left eye": 6,
    "right eye": 6,
    "outer lips": 12,
    "inner lips": 8,
}

#: The names of the 68 points of 300-W, in order, each group numbered from 1.
IBUG68_NAMES = tuple(
    f"{group} {number}" for group, count in _IBUG68_GROUPS.items() for number in range(1, count + 1)
)

#: How many points `ibug68` has, and which of them is the tip of the nose, counted from 0.
IBUG68_COUNT = len(IBUG68_NAMES)
NOSE_TIP = 30

#: The names of the landmarks of each set. "Left" is left in the image.
NAMES = {"aflw21": AFLW21_NAMES, "ibug68": IBUG68_NAMES}

#: The landmarks of a labelled face: the 68 of 300-W, then the 21 of AFLW.
LANDMARK_SET = "ibug68+aflw21"
LANDMARK_COUNT = IBUG68_COUNT + len(AFLW21_NAMES)

#: For each landmark of a set, the landmark that takes its place in the mirrored photograph.
MIRROR = {
    "aflw21": np.array([5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 16, 15, 14, 13, 12, 19, 18, 17, 20]),
    "ibug68": np.array(
        [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31]
        + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
        + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    ),
}


def mirror_permutation(name: str) -> np.ndarray:
    """Returns, for each landmark of a set, the one that takes its place in the mirrored photograph.

    Args:
        name: a set, or several joined by "+", such as `"ibug68+aflw21"`: their landmarks are
            concatenated.

    Raises:
        KeyError: if a set is unknown.
    """
    parts: list[np.ndarray] = []
    for part in name.split("+"):
        if part not in MIRROR:
            known = ", ".join(map(repr, MIRROR))
            raise KeyError(f"Expected landmark sets among {known}, received {part!r}.")
        parts.append(MIRROR[part] + sum(map(len, parts)))
    return np.concatenate(parts)


#: Runs of consecutive `ibug68` points (first, last, closed) that form the lines of a drawing.
IBUG68_LINES = (
    (0, 16, False),
    (17, 21, False),
    (22, 26, False),
    (27, 30, False),
    (31, 35, False),
    (36, 41, True),
    (42, 47, True),
    (48, 59, True),
    (60, 67, True),
)
