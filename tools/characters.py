"""Draws plausible adults from the MakeHuman targets."""

import re

import numpy as np
import scipy.sparse
from makehuman import MakeHuman

_TARGETS = "mpfb2/targets/"
_DETAIL_FOLDERS = ("head", "forehead", "eyebrows", "eyes", "nose", "mouth", "cheek", "chin")
# Poses of the head, and the back of it.
_SKIPPED = re.compile(r"head-trans|head-angle|back-scale")
# Opposite targets share one normal variable, scaled by this; those that reshape much, by less.
_DETAIL_DEVIATION, _STRONG_DETAIL_DEVIATION = 0.4, 0.25
_STRONG = re.compile("head-|chin-height|chin-jaw-drop")
_LARGEST_DETAIL = 1.2
_RACES, _GENDERS, _AGES = ("african", "asian", "caucasian"), ("female", "male"), ("young", "old")
_LEVELS = ("min", "average", "max")
_OPPOSITES = {
    "decr": "incr", "down": "up", "in": "out", "backward": "forward", "concave": "convex",
    "compress": "uncompress",
}  # fmt: skip


def average_adult(makehuman: MakeHuman) -> np.ndarray:
    """Returns the `(19158, 3)` average of young adults of both genders and all races."""
    names = [f"macrodetails/{race}-{gender}-young" for race in _RACES for gender in _GENDERS]
    targets = [makehuman.target(f"{_TARGETS}{name}.target.gz") for name in names]
    adult = makehuman.vertices + np.mean(targets, axis=0)
    return (adult + adult[makehuman.mirror] * [-1, 1, 1]) / 2


class Characters:
    """A population of adult faces, mirror symmetric, on a face surface.

    Args:
        makehuman: the source of mesh and targets.
        weights: `(N, 19158)` sparse weights of the face surface's vertices.
        mirror: `(N,)` mirror image of each vertex.
    """

    def __init__(self, makehuman: MakeHuman, weights: scipy.sparse.csr_array, mirror: np.ndarray):
        self._base = weights @ makehuman.vertices

        def surface(name):
            target = weights @ makehuman.target(name)
            return (target + target[mirror] * [-1, 1, 1]) / 2

        folder = _TARGETS + "macrodetails/"
        self._races = {
            (race, gender, age): surface(f"{folder}{race}-{gender}-{age}.target.gz")
            for race in _RACES for gender in _GENDERS for age in _AGES
        }  # fmt: skip
        self._builds = {
            (gender, age, muscle, weight): surface(
                f"{folder}universal-{gender}-{age}-{muscle}muscle-{weight}weight.target.gz"
            )
            for gender in _GENDERS for age in _AGES for muscle in _LEVELS for weight in _LEVELS
        }  # fmt: skip
        self._details = _detail_variables(makehuman, surface)

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """Draws one adult's `(N, 3)` vertices, not aligned."""
        shape = self._macro_shape(
            races=rng.dirichlet([0.6, 0.6, 0.6]),
            maleness=rng.beta(0.6, 0.6),
            age=rng.beta(0.8, 1.6),
            muscle=np.clip(rng.normal(0.5, 0.25), 0, 1),
            weight=np.clip(rng.normal(0.5, 0.3), 0, 1),
        )
        for deviation, one_way, other_way in self._details:
            value = np.clip(rng.normal(0, deviation), -_LARGEST_DETAIL, _LARGEST_DETAIL)
            shape += value * other_way if value > 0 else -value * one_way
        return shape

    def _macro_shape(self, races, maleness, age, muscle, weight):
        """Returns the `(N, 3)` mixture of the macro targets; the shares of each trait sum to 1."""
        genders = {"female": 1 - maleness, "male": maleness}
        ages = {"young": 1 - age, "old": age}
        muscles, weights = _level_shares(muscle), _level_shares(weight)
        shape = self._base.copy()
        for (race, gender, years), target in self._races.items():
            shape += races[_RACES.index(race)] * genders[gender] * ages[years] * target
        for (gender, years, m, w), target in self._builds.items():
            shape += genders[gender] * ages[years] * muscles[m] * weights[w] * target
        return shape


def _level_shares(value):
    """Returns the shares of min, average and max at `value` in 0..1, linear in between."""
    return {
        "min": max(0.0, 1 - 2 * value),
        "average": 1 - abs(2 * value - 1),
        "max": max(0.0, 2 * value - 1),
    }


def _detail_variables(makehuman, surface):
    """Returns deviations and pairs of opposite `(N, 3)` targets, left and right added up."""
    summed = {}
    for folder in _DETAIL_FOLDERS:
        for name in makehuman.target_names(_TARGETS + folder):
            stem = name.rsplit("/", 1)[1].removesuffix(".target.gz")
            if _SKIPPED.search(stem):
                continue
            stem = re.sub("^[lr]-", "", stem)
            summed[stem] = summed.get(stem, 0) + surface(name)
    pairs = []
    for stem, target in summed.items():
        start, _, end = stem.rpartition("-")
        deviation = _STRONG_DETAIL_DEVIATION if _STRONG.match(stem) else _DETAIL_DEVIATION
        if end in _OPPOSITES:
            pairs.append((deviation, target, summed[f"{start}-{_OPPOSITES[end]}"]))
        elif end not in _OPPOSITES.values():
            # A target without an opposite (round, square, ...) is half of its own.
            pairs.append((deviation, -target / 2, target / 2))
    return pairs
