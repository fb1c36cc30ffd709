"""Several data sets in one epoch, each with a weight."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.shards import Shards


@dataclass(frozen=True)
class Mixture:
    """Data sets that are drawn from together.

    An epoch has `faces_per_epoch` faces in random order; the weights set the share of each data
    set. A data set with fewer faces is repeated in another order; from one with more faces, each
    epoch takes a different random part. If the weights are the sizes and an epoch has as many faces
    as there are, each face occurs once.

    Attributes:
        sources: the data sets: crops in memory or shards.
        weights: the share of each, adding up to 1.
        faces_per_epoch: how many faces an epoch has.
        mirrored: for each, whether augmentation reflects its faces.
    """

    sources: tuple[FaceCrops | Shards, ...]
    weights: tuple[float, ...]
    faces_per_epoch: int
    mirrored: tuple[bool, ...]

    def __len__(self):
        return self.faces_per_epoch

    def counts(self) -> np.ndarray:
        """Returns how many faces of each data set an epoch has."""
        exact = np.array(self.weights) * self.faces_per_epoch
        counts = np.floor(exact + 1e-6).astype(int)
        rest = self.faces_per_epoch - counts.sum()
        counts[np.argsort(counts - exact, kind="stable")[:rest]] += 1
        return counts

    def choices(self, seed: int, epoch: int) -> np.ndarray:
        """Returns the data set of each face of an epoch, `(faces_per_epoch,)` int64."""
        choices = np.repeat(np.arange(len(self.sources)), self.counts())
        return np.random.default_rng([seed, epoch, 2]).permutation(choices)

    def numbers(self, place: int, seed: int, epoch: int) -> np.ndarray:
        """Returns the faces of one data set in an epoch, in order, int64."""
        rng, count = np.random.default_rng([seed, epoch, 3, place]), self.counts()[place]
        passes = -(-count // len(self.sources[place]))
        order = [rng.permutation(len(self.sources[place])) for _ in range(passes)]
        return np.concatenate([*order, np.empty(0, np.int64)])[:count].astype(np.int64)


def mixture(
    sources: Sequence[FaceCrops | Shards],
    weights: Sequence[float] | None = None,
    faces_per_epoch: int | None = None,
    mirrored: Sequence[bool] | None = None,
) -> Mixture:
    """Mixes data sets.

    Args:
        sources: crops in memory or shards.
        weights: how often each is drawn from, in any unit; by default its number of faces.
        faces_per_epoch: faces in an epoch; by default as many as the data sets have together.
        mirrored: for each, whether augmentation reflects its faces; by default all. A detector's
            errors are not mirror symmetric: its reflected labels are not what it would output.

    Raises:
        ValueError: if there is no data set, one is empty, there is not one positive weight and, if
            given, one value of `mirrored` for each, or an epoch would have no face.
    """
    sources = tuple(sources)
    sizes = [len(source) for source in sources]
    if not sources or not all(sizes):
        raise ValueError(f"Expected data sets with faces in them, received sizes {sizes}.")
    weights = sizes if weights is None else [float(weight) for weight in weights]
    if len(weights) != len(sources) or not all(0 < weight < np.inf for weight in weights):
        raise ValueError(
            f"Expected a positive weight for each of {len(sources)} data sets, received {weights}."
        )
    count = sum(sizes) if faces_per_epoch is None else faces_per_epoch
    if count < 1:
        raise ValueError(f"Expected a face or more in an epoch, received {faces_per_epoch}.")
    mirrored = (True,) * len(sources) if mirrored is None else tuple(map(bool, mirrored))
    if len(mirrored) != len(sources):
        raise ValueError(
            f"Expected whether each of {len(sources)} data sets is mirrored, received {mirrored}."
        )
    total = sum(weights)
    return Mixture(sources, tuple(weight / total for weight in weights), count, mirrored)
