"""A closer look at small places of a photograph, with the network of the search."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_3dmmstn.inference.detection.candidates import (
    PART,
    Candidates,
    best_candidates,
    decode,
    shares_inside,
)
from keras_3dmmstn.inference.photograph import warp

#: Places with a lower score in the search are ignored.
HINT = 0.02
# From the first score on, a place is surely a face. From the second on, a larger place is probably
# a turned face: what lies in it is a part of it. From the third on, it may be one.
_SURE, _LIKELY, _DOUBTFUL = 0.88, 0.3, 0.06
# A closer look with a score below the first tells nothing: the square may show a face beside the
# place. Within a larger place that may be a face, so does one with a score below the second.
_CLEAR, _CLEAR_WITHIN = 0.5, 0.78
# A place whose box is smaller than the first, √(w·h) in pixels of the searched picture, gets a
# closer look: in a square with the second as its side in pixels, and the third for the box's larger
# side.
_SMALL, _SIDE, _SEEN = 50, 96, 64
# The likeliest places are looked at first; after so many looks without a face, no more are.
_MOST_IN_VAIN = 8
# A face further from the middle of the square, in its sides, or more times as large or as small, is
# not the one looked for.
_FURTHEST, _LARGER = 0.2, 2.0


def seen_closer(
    image: np.ndarray,
    places: Candidates,
    searched: float,
    maps: Callable[[np.ndarray], Sequence[np.ndarray]],
) -> Candidates:
    """Returns places of a photograph, small ones from a closer look if its score is higher.

    The search detects profiles of 24 to 32 pixels poorly: they are near the smallest size that the
    network can see. Enlarged to 64 pixels, most get a high score, and hardly anything else does
    (`experiments/small_faces.py`).

    Args:
        image: `(height, width, 3)` uint8 RGB.
        places: found by the search, in its pixels.
        searched: size of the searched picture, as a share of the photograph's.
        maps: the search's network, from pictures to its maps.

    Returns:
        The best candidate of each place, the best first.
    """
    sizes = places.boxes[:, 2:] - places.boxes[:, :2]
    small = np.sqrt(np.prod(sizes, axis=1)) * searched < _SMALL
    wholes = (places.scores >= _SURE) | (~small & (places.scores >= _LIKELY))
    parts = shares_inside(places.boxes, places.boxes[wholes]) > PART
    doubtful = places.boxes[~small & (places.scores >= _DOUBTFUL)]
    within = shares_inside(places.boxes, doubtful) > PART
    seen, in_vain = [], 0
    for place in np.flatnonzero(small & (places.scores < _SURE) & ~parts):
        clear = _CLEAR_WITHIN if within[place] else _CLEAR
        closer = _closer(image, places.boxes[place], maps).at_least(clear)
        seen.append(closer)
        in_vain += not len(closer.scores)
        if in_vain == _MOST_IN_VAIN:
            break
    return best_candidates([places, *seen]) if seen else places


def _closer(image, box, maps):
    """Returns the result of a closer look at a place `(4,)`, in pixels of the photograph."""
    zoom = _SEEN / (box[2:] - box[:2]).max()
    shift = (_SIDE - 1) / 2 - zoom * (box[:2] + box[2:]) / 2
    square = warp(image, np.column_stack([zoom * np.eye(2), shift]), _SIDE)
    seen = decode(maps(square), _CLEAR)
    middles = (seen.boxes[:, :2] + seen.boxes[:, 2:]) / 2
    near = (np.abs(middles - (_SIDE - 1) / 2) <= _FURTHEST * _SIDE).all(axis=1)
    larger = np.sqrt(np.prod(seen.boxes[:, 2:] - seen.boxes[:, :2], axis=1)) / _SEEN
    kept = near & (larger < _LARGER) & (larger > 1 / _LARGER)
    corner = np.tile(shift, 2)
    return Candidates(
        (seen.boxes[kept] - corner) / zoom, seen.scores[kept], (seen.points[kept] - shift) / zoom
    )
