"""How far mouth and eyes are open, seen from the front of the face."""

import numpy as np

#: Above the first a mouth counts as open; below the second an eye counts as closed. These values
#: agree best with manual labels (`experiments/quantities.py`).
MOUTH_OPEN, EYE_CLOSED = 0.05, 0.24

# Points of ibug68: corners, and pairs of the upper and the lower edge.
_MOUTH = (48, 54), ((61, 67), (62, 66), (63, 65))
_LEFT_EYE = (36, 39), ((37, 41), (38, 40))
_RIGHT_EYE = (42, 45), ((43, 47), (44, 46))


def mouth_opening(landmarks: np.ndarray) -> float:
    """Returns the gap between the lips, in widths of the mouth.

        ((y₆₇ − y₆₁)₊ + (y₆₆ − y₆₂)₊ + (y₆₅ − y₆₃)₊) / (3 |p₅₄ − p₄₈|)

    Args:
        landmarks: `(68, 2 or 3)` of `ibug68` in the head's own frame, y down; depth is not used.
    """
    return _opening(landmarks, *_MOUTH)


def eye_openings(landmarks: np.ndarray) -> tuple[float, float]:
    """Returns the gaps between the lids, in widths of the eye, image-left and image-right.

        ((y₄₁ − y₃₇)₊ + (y₄₀ − y₃₈)₊) / (2 |p₃₉ − p₃₆|), and likewise with 42 to 47

    Args:
        landmarks: as for `mouth_opening`.

    Source:
        Soukupová & Čech 2016, "Real-Time Eye Blink Detection using Facial Landmarks": the eye
        aspect ratio, there between points of the photograph.
    """
    return _opening(landmarks, *_LEFT_EYE), _opening(landmarks, *_RIGHT_EYE)


def _opening(landmarks, corners, pairs):
    """Returns the mean gap of pairs over the distance of two corners; crossing pairs count 0."""
    points = np.asarray(landmarks, float)[:, :2]
    upper, lower = np.transpose(pairs)
    gap = np.maximum(points[lower, 1] - points[upper, 1], 0).mean()
    width = np.linalg.norm(points[corners[1]] - points[corners[0]])
    return float(gap / width) if width > 0 else 0.0
