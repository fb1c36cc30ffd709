"""How reliable confidence and spread are."""

from dataclasses import dataclass

import numpy as np

#: Bins of the confidence.
BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """The faces whose confidence lies in a range.

    Attributes:
        low, high: the range.
        count: how many faces.
        confidence: their mean confidence, NaN without a face.
        right: the share of them that is right, NaN without a face.
    """

    low: float
    high: float
    count: int
    confidence: float
    right: float


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[ReliabilityBin]:
    """Returns the share of right faces by confidence; a reliable confidence equals that share.

    Args:
        confidence: `(n,)` in 0..1.
        right: `(n,)` bool.
    """
    numbers = np.minimum((np.asarray(confidence) * BINS).astype(int), BINS - 1)
    rows = []
    for number in range(BINS):
        chosen = numbers == number
        means = [float(v[chosen].mean()) if chosen.any() else np.nan for v in (confidence, right)]
        rows.append(ReliabilityBin(number / BINS, (number + 1) / BINS, int(chosen.sum()), *means))
    return rows


@dataclass(frozen=True)
class SpreadBin:
    """The landmarks whose spread lies in a range.

    Attributes:
        count: how many.
        spread, distance: how far off they are expected to be on average, and how far off they are.
    """

    count: int
    spread: float
    distance: float


def spread_reliability(spread: np.ndarray, distances: np.ndarray) -> list[SpreadBin]:
    """Returns how far off landmarks are, from the least spread to the largest.

    Args:
        spread: `(n, 68)`.
        distances: `(n, 68)`, NaN where a landmark has no label.

    Returns:
        Ten bins with equally many landmarks; none without landmarks.
    """
    known = ~np.isnan(distances)
    spread, distances = spread[known], distances[known]
    parts = np.array_split(np.argsort(spread, kind="stable"), BINS)
    return [
        SpreadBin(len(part), float(spread[part].mean()), float(distances[part].mean()))
        for part in parts
        if len(part)
    ]


def area_under_roc(confidence: np.ndarray, positive: np.ndarray) -> float:
    """Returns how often a positive has a higher confidence than a negative; ties count half.

    Args:
        confidence: `(n,)`.
        positive: `(n,)` bool.

    Returns:
        0 to 1; NaN if all are positive or none is.
    """
    count, positives = len(positive), int(np.sum(positive))
    if positives in (0, count):
        return float("nan")
    ordered = np.sort(confidence)
    # Counted from 1; equal values get the mean of their ranks.
    places = [np.searchsorted(ordered, confidence, side) for side in ("left", "right")]
    ranks = (places[0] + places[1] + 1) / 2
    lowest = positives * (positives + 1) / 2
    return float((ranks[positive].sum() - lowest) / (positives * (count - positives)))
