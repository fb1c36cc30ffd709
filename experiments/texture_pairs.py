"""Pairs of textures: how different they are, and whether they show the same person."""

from collections.abc import Mapping
from typing import Any

import numpy as np

# Fewer jointly visible texels than this share are not compared.
_SMALLEST_OVERLAP = 0.02


def texture_difference(
    first: np.ndarray, second: np.ndarray, joint: np.ndarray, weights: np.ndarray
) -> float:
    """Returns the mean absolute difference of two textures after a gain for each channel.

    The gains give both textures the geometric mean of their mean values in each channel.

    Args:
        first, second: `(rows, columns, 3)` in 0..255.
        joint: `(rows, columns)` bool, the texels that both see.
        weights: `(rows, columns)` of the texels in the means.

    Returns:
        In grey levels of 255; NaN where too few texels are seen by both.
    """
    if joint.mean() < _SMALLEST_OVERLAP:
        return float("nan")
    weight = weights[joint]
    values = [texture[joint].astype(np.float32) for texture in (first, second)]
    means = [np.average(value, axis=0, weights=weight) for value in values]
    if min(mean.min() for mean in means) <= 0:
        return float("nan")
    target = np.sqrt(means[0] * means[1])
    a, b = (value * (target / mean) for value, mean in zip(values, means, strict=True))
    return float(np.average(np.abs(a - b).mean(axis=1), weights=weight))


def correlation(first: np.ndarray, second: np.ndarray, joint: np.ndarray) -> float:
    """Returns the correlation of two pictures `(rows, columns)` where `joint` is true.

    NaN where too few places are.
    """
    if joint.mean() < _SMALLEST_OVERLAP:
        return float("nan")
    a, b = first[joint].astype(float), second[joint].astype(float)
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


def verification(scores: np.ndarray, same: np.ndarray) -> dict[str, float]:
    """Returns how well scores tell pairs of one person from pairs of two.

    Args:
        scores: `(pairs,)`, larger for the same person; NaN counts as the lowest.
        same: `(pairs,)` bool.

    Returns:
        `auc`, the share of (same, different) pairs of pairs whose scores are in order, ties half;
        and `eer`, the rate of errors at the threshold where both kinds are equally frequent. In %.
    """
    scores = np.where(np.isnan(scores), -np.inf, scores)
    ours, others = np.sort(scores[same]), np.sort(scores[~same])
    below = np.searchsorted(others, ours, side="left") + np.searchsorted(others, ours, side="right")
    thresholds = np.unique(scores)
    rejected = np.searchsorted(ours, thresholds, side="left") / len(ours)
    accepted = 1 - np.searchsorted(others, thresholds, side="left") / len(others)
    best = np.argmin(np.abs(rejected - accepted))
    return {
        "auc": 100 * float(below.mean() / (2 * len(others))),
        "eer": 50 * float(rejected[best] + accepted[best]),
    }


def pair_lines(results: Mapping[str, Any]) -> list[str]:
    """Returns the lines that are printed for the pairs of one data set."""
    lines = []
    for name, r in results.items():
        d = r["difference"]
        lines.append(
            f"{name}: {r['same_pairs']} + {r['different_pairs']} pairs; difference by texels "
            f"{d['same_texels']:.2f} / {d['different_texels']:.2f}, by area "
            f"{d['same_area']:.2f} / {d['different_area']:.2f} (one person / two)"
        )
        lines += [
            f"  {kind:24} AUC {v['auc']:.2f} %  EER {v['eer']:.2f} %"
            for kind, v in r["verification"].items()
        ]
    return lines
