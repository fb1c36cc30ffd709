"""Pairs of photographs of one person, for the losses that compare them."""

from collections.abc import Sequence

import numpy as np

from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.mixture import Mixture

# One in this many of a person's photographs may follow, the furthest: frames of a video are close.
_FURTHER_HALF = 2


def other_photographs(
    people: Sequence[str], views: Sequence[str], numbers: Sequence[int] | np.ndarray
) -> list[np.ndarray]:
    """Returns, for each face, which other photographs of the same person may follow it.

    They are the person's photographs of another view, such as the profiles for a frontal one. If
    there are none, they are the half of the person's photographs that is further away in the order
    of the data set, as neighbours there may be frames of the same moment.

    Args:
        people: the person of each face, "" if unknown.
        views: the kind of each photograph, "" if unknown.
        numbers: the position of each in the order of its data set.

    Returns:
        For each face, the positions of those faces; only its own if no other one is known.
    """
    of_person: dict[str, list[int]] = {}
    for place in np.argsort(numbers, kind="stable"):
        if people[place]:
            of_person.setdefault(people[place], []).append(int(place))
    others = [np.array([place]) for place in range(len(people))]
    for places in of_person.values():
        for rank, place in enumerate(places):
            elsewhere = [other for other in places if views[other] != views[place]]
            ranks = sorted(set(range(len(places))) - {rank}, key=lambda r: (-abs(r - rank), r))
            far = [places[r] for r in ranks[: -(-len(ranks) // _FURTHER_HALF)]]
            if elsewhere or far:
                others[place] = np.array(elsewhere or far)
    return others


def _people(crops):
    """Returns the person of each crop, "" for all if unknown."""
    return crops.people or ("",) * len(crops)


class PairedFaces:
    """Chooses the photograph that follows each face of a mixture.

    Args:
        mixed: crops in memory with known people.

    Raises:
        ValueError: if a data set is not in memory, or nobody has two photographs.
    """

    def __init__(self, mixed: Mixture):
        self._others = [self._of_source(source) for source in mixed.sources]
        if not any(place not in other for s in self._others for place, other in enumerate(s)):
            people = {person for crops in mixed.sources for person in _people(crops) if person}
            raise ValueError(
                "Expected at least one person with two photographs for pairs of one person, "
                f"received {sum(map(len, mixed.sources))} photographs of {len(people)} known "
                "people: pairs need CFP, or a landmarks.csv with a column subject."
            )

    @staticmethod
    def _of_source(source):
        """Returns the faces that may follow each face of a source."""
        if not isinstance(source, FaceCrops):
            raise ValueError(
                "Pairs of one person expect crops in memory, received shards: give their "
                "`load()`, 0.11 MB a face at 192 pixels."
            )
        numbers = np.arange(len(source)) if source.kept is None else source.kept
        return other_photographs(_people(source), source.views or ("",) * len(source), numbers)

    def other(self, place: int, number: int, rng: np.random.Generator) -> int:
        """Draws the face that follows another; the same face if its person has no other.

        Args:
            place: which data set of the mixture.
            number: which of its faces.
            rng: the random generator.
        """
        others = self._others[place][number]
        return int(others[rng.integers(len(others))])
