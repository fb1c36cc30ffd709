"""Face crops of one or several data sets, as the network sees them, in batches."""

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

# Separates the randomness of pairs from that of single faces and of mixtures.
_PAIRS = 2**20


class CropReader:
    """Reads faces of a mixture, with the labels that the supervision keeps.

    Arrays identify the faces, as in the streams of `streams`: `sources` `(batch,)` gives the data
    sets of the mixture and `numbers` `(batch,)` their faces; `records` `(batch,)` has the encoded
    images of shards, and `landmarks` `(batch, 89, 3)` their labels.

    Args:
        mixed: the data sets.
        config: sets `image_size`, `seed` and the amounts of the augmentation.
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
        """Returns unchanged faces: images `(batch, size, size, 3)` uint8 and their landmarks."""
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
        """Returns faces, randomly changed by `seed`, epoch and position if the config says so."""
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
        """Returns faces, each followed by its partner, a face of the same person.

        If the config says so, both are changed at random, independently of each other; but they are
        reflected together, as the features of the face would otherwise be on different sides. The
        choice of the partner also depends on `seed`, epoch and position.

        Args:
            epoch, positions, sources, numbers: as for `augmented`.
            paired: decides which faces follow which.
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
        """Yields the image, landmarks and side of the network's square for each face of a batch."""
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
