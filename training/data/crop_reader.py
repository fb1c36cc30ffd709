"""Face crops of one or several data sets as the network sees them, one batch at a time."""

from collections.abc import Iterable, Iterator

import numpy as np

from keras_3dmmstn.inference.photograph import warp
from keras_3dmmstn.network.framing import apply_similarity
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.augmentation import augment
from keras_3dmmstn.training.data.mixture import Mixture
from keras_3dmmstn.training.data.pairs import PairedFaces
from keras_3dmmstn.training.data.shards import Shards, checked_crop
from keras_3dmmstn.training.data.supervision import Supervision

# Sets the chance of pairs apart from that of single faces and of mixtures.
_PAIRS = 2**20


class CropReader:
    """Reads faces of a mixture, with the labels that the supervision leaves.

    Where faces are is said by arrays, as the streams of `streams` do: `sources` `(batch,)` is which
    data set of the mixture, `numbers` `(batch,)` which of its faces; `records` `(batch,)` has the
    encoded images of shards, and `landmarks` `(batch, 89, 3)` their labels.

    Args:
        mixed: the data sets.
        config: gives `image_size`, `seed` and the amounts of the augmentation.
        supervision: which labels are kept.
    """

    def __init__(self, mixed: Mixture, config: TrainingConfig, supervision: Supervision):
        self._mixed, self._config, self._supervision = mixed, config, supervision
        # Records are numbered before any face was skipped.
        self._factors = [
            supervision.factors(s.planned if isinstance(s, Shards) else len(s), config.seed)
            for s in mixed.sources
        ]

    def centred(
        self, sources: np.ndarray, numbers: np.ndarray, records: np.ndarray, landmarks: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns faces as they are: images `(batch, size, size, 3)` uint8 and their landmarks."""
        return _stacked(map(self._centred, self._read(sources, numbers, records, landmarks)))

    def augmented(
        self,
        epoch: int,
        positions: np.ndarray,
        sources: np.ndarray,
        numbers: np.ndarray,
        records: np.ndarray,
        landmarks: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns faces changed at random, if the config says so, by `seed`, epoch and position."""
        crops = self._read(sources, numbers, records, landmarks)
        if not self._config.augmentation:
            return _stacked(map(self._centred, crops))
        return _stacked(
            augment(
                image,
                points,
                side,
                self._config,
                np.random.default_rng([self._config.seed, epoch, position]),
                None if self._mixed.mirrored[place] else False,
            )
            for (image, points, side), position, place in zip(
                crops, positions, sources, strict=True
            )
        )

    def augmented_pairs(
        self,
        epoch: int,
        positions: np.ndarray,
        sources: np.ndarray,
        numbers: np.ndarray,
        paired: PairedFaces,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns faces, each followed by one of the same person: face 0, its other, face 1, ...

        Both are changed at random, if the config says so, each in its own way, but they are
        reflected together: the features of a face would be on other sides else. Which one follows
        depends on `seed`, epoch and position, too.

        Args:
            epoch, positions, sources, numbers: as of `augmented`.
            paired: says which faces follow which.
        """
        pairs = []
        for position, place, number in zip(positions, sources, numbers, strict=True):
            rng = np.random.default_rng([self._config.seed, epoch, position, _PAIRS])
            both = [number, paired.other(place, number, rng)]
            reflected = bool(rng.random() < 0.5) and self._mixed.mirrored[place]
            crops = self._read([place] * 2, both, [b""] * 2, [None] * 2)
            if self._config.augmentation:
                pairs += [
                    augment(image, points, side, self._config, rng, reflected)
                    for image, points, side in crops
                ]
            else:
                pairs += map(self._centred, crops)
        return _stacked(pairs)

    def _read(self, sources, numbers, records, landmarks) -> Iterator:
        """Yields image, landmarks and side of the network's square for each face of a batch."""
        for k, (place, number) in enumerate(zip(sources, numbers, strict=True)):
            source = self._mixed.sources[place]
            if isinstance(source, Shards):
                points = landmarks[k].copy()
                image = checked_crop(records[k], points, number, source.planned)
            else:
                image, points = source.images[number], source.landmarks[number].copy()
            points = self._supervision.labels(points)
            points[:, 2] *= self._factors[place][number]
            yield image, points, source.crop_side

    def _centred(self, crop):
        """Returns the square that the network sees and the landmarks in its pixels."""
        image, landmarks, side = crop
        size = self._config.image_size
        scale = size / side
        shift = (size - 1) / 2 - scale * (image.shape[0] - 1) / 2
        matrix = np.array([[scale, 0, shift], [0, scale, shift]])
        landmarks = landmarks.copy()
        landmarks[:, :2] = apply_similarity(matrix, landmarks[:, :2])
        return warp(image, matrix, size), landmarks


def _stacked(pairs: Iterable) -> tuple[np.ndarray, np.ndarray]:
    """Returns images and landmarks as one array each."""
    images, landmarks = zip(*pairs, strict=True)
    return np.stack(images), np.stack(landmarks).astype(np.float32)
