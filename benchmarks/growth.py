"""How measured times grow along one axis of the size."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

Comparison = Mapping[str, Any]

# Along these axes the number of points or pixels is the square of the size.
_SQUARED = ("grid", "image")


def bases(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Returns the first comparison of each name, which has the base size."""
    found: dict[str, Comparison] = {}
    for comparison in comparisons:
        found.setdefault(comparison["name"], comparison)
    return list(found.values())


def along_axis(comparisons: Iterable[Comparison], axis: str) -> Iterator[list[Comparison]]:
    """Yields for each name the comparisons that differ from its base along one axis alone.

    They are in the order of their size; a name that was measured at one size is left out.
    """
    comparisons = list(comparisons)
    for base in bases(comparisons):
        others = {key: value for key, value in base["size"].items() if key != axis}
        line = [
            comparison
            for comparison in comparisons
            if comparison["name"] == base["name"]
            and {k: v for k, v in comparison["size"].items() if k != axis} == others
        ]
        if len(line) > 1 and axis in base["size"]:
            yield sorted(line, key=lambda comparison: comparison["size"][axis])


def exponent(axis: str, line: Iterable[Comparison], call: str) -> float:
    """Returns p of t ~ nᵖ, by least squares of the logarithms."""
    line = list(line)
    n = np.array([c["size"][axis] for c in line], float) ** (2 if axis in _SQUARED else 1)
    times = [c["times"][call]["median_ms"] for c in line]
    return float(np.polyfit(np.log(n), np.log(times), 1)[0])
