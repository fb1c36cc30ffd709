"""Training of the head that estimates how sure the network is."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import keras
import numpy as np
import scipy.optimize
import scipy.special

from keras_3dmmstn.inference.compiled_function import CompiledFunction
from keras_3dmmstn.inference.fitted_faces import FittedFaces
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.landmark_sets import LANDMARK_SET
from keras_3dmmstn.network.confidence import with_confidence, without_confidence
from keras_3dmmstn.training.confidence.difficult_crops import DifficultCrop
from keras_3dmmstn.training.confidence.head_training import before_activation, rescale, train_head
from keras_3dmmstn.training.evaluation.measurement import LEAST_CONFIDENCE

#: A face is right if its landmarks are off by at most this share of √(w h) of their box on average.
LARGEST_ERROR = 0.05
# Crops that go through the network together.
_BATCH = 64


@dataclass(frozen=True)
class Judgements:
    """The network's results on crops, and whether they are right.

    Attributes:
        features: `(n, F)` float32 input of its heads.
        distances: `(n, 89)` of the landmarks from their labels, as a share of √(w h); NaN where
            they have none.
        kinds: `(n,)` kinds of the crops.
        numbers: `(n,)` numbers of the faces that they are made from.
    """

    features: np.ndarray
    distances: np.ndarray
    kinds: np.ndarray
    numbers: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """The mean distances `(n,)`; infinite if nothing is labelled, as without a face."""
        known = ~np.isnan(self.distances)
        sums = np.where(known, self.distances, 0).sum(axis=1)
        return np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.inf)

    @property
    def right(self) -> np.ndarray:
        """Which faces are right, `(n,)` bool."""
        return self.errors <= LARGEST_ERROR


def judge(normaliser: Normaliser, crops: Iterable[DifficultCrop]) -> Judgements:
    """Runs the network on crops of its own size and compares its landmarks with the labels."""
    localiser = normaliser.localiser
    check_localiser(localiser)
    head = localiser.get_layer("head")
    trunk = keras.Model(localiser.input, head.input)
    run = CompiledFunction(
        lambda image: (trunk(image, training=False),), [localiser.input_shape[1:]]
    )
    parts = []
    iterator = iter(crops)
    while batch := list(islice(iterator, _BATCH)):
        images = np.stack([crop.image for crop in batch])
        features = run(images)[0].reshape(len(batch), -1)
        labels = np.stack([crop.landmarks for crop in batch])
        distances = landmark_distances(normaliser.fit(images), labels)
        kinds, numbers = [c.kind for c in batch], [c.number for c in batch]
        parts.append((features, distances, np.array(kinds), np.array(numbers)))
    return Judgements(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def check_localiser(localiser: keras.Model) -> None:
    """Raises a ValueError unless a localiser has the head of `build_localiser`."""
    names = [layer.name for layer in getattr(localiser, "layers", [])]
    if "head" not in names:
        raise ValueError(
            "Expected a localiser of build_localiser, beside whose layer `head` the confidence "
            f"goes, received one with the layers {', '.join(names[-3:]) or 'of another kind'}."
        )


def _check_both(judgements, what):
    """Raises a ValueError unless some crops are right and some wrong."""
    right = int(judgements.right.sum())
    if right in (0, len(judgements.right)):
        raise ValueError(
            f"Expected crops to {what} of which some come out right and some wrong, received "
            f"{right} right ones of {len(judgements.right)}: there is nothing to tell apart. Give "
            "more photographs or crops, or better weights."
        )


def landmark_distances(fitted: FittedFaces, labels: np.ndarray) -> np.ndarray:
    """Returns distances `(n, 89)` as a share of √(w h); NaN where nothing is labelled.

    Args:
        fitted: faces, in pixels of their crops.
        labels: `(n, 89, 3)`, in the same pixels.
    """
    points = np.concatenate([fitted.landmarks(name) for name in LANDMARK_SET.split("+")], axis=1)
    distances = np.linalg.norm(points - labels[..., :2], axis=-1)
    distances[labels[..., 2] < LEAST_CONFIDENCE] = np.nan
    for number, label in enumerate(labels):
        known = label[label[:, 2] > 0, :2]
        size = np.sqrt(np.ptp(known, axis=0).prod()) if len(known) else 0.0
        distances[number] = distances[number] / size if size > 0 else np.nan
    return distances


def train_confidence(localiser: keras.Model, judgements: Judgements, seed: int = 0) -> keras.Model:
    """Adds a confidence to a localiser and trains it; θ does not change.

    Args:
        localiser: as from `build_localiser`; an existing confidence is replaced, a spread is lost.
        judgements: judgements of this localiser.
        seed: seed for the new weights and the order.

    Returns:
        The localiser `with_confidence`.

    Raises:
        ValueError: if all crops are right or none is, or the localiser is of another kind.
    """
    check_localiser(localiser)
    _check_both(judgements, "train on")
    keras.utils.set_random_seed(seed)
    whole = with_confidence(without_confidence(localiser))
    hidden, last = whole.get_layer("confidence_hidden"), whole.get_layer("confidence")
    right = judgements.right.astype(np.float32)[:, None]
    train_head(hidden, last, judgements.features, right, "binary_crossentropy")
    return whole


def confidence_of(localiser: keras.Model, features: np.ndarray) -> np.ndarray:
    """Returns the confidence `(n,)` of a localiser for features."""
    return scipy.special.expit(before_activation(localiser, "confidence", features)[:, 0])


def calibrate(localiser: keras.Model, judgements: Judgements) -> tuple[float, float]:
    """Calibrates the confidence to the share of right faces, on photographs it never saw.

    A network is surer of the photographs that it was trained on than it should be of others. The
    logit becomes a · logit + b, with the a and b of least cross-entropy.

    Args:
        localiser: a localiser with a trained confidence, which is changed.
        judgements: judgements of this localiser on photographs that it was not trained on.

    Returns:
        a and b; a is positive, so the order of the crops does not change.

    Raises:
        ValueError: if all crops are right or none is.

    Source:
        Platt 1999, Probabilistic outputs for support vector machines.
    """
    _check_both(judgements, "calibrate on")
    sure = np.clip(confidence_of(localiser, judgements.features), 1e-6, 1 - 1e-6)
    logit, right = np.log(sure / (1 - sure)), judgements.right

    def cross_entropy(values):
        if values[0] <= 0:  # what is surer must not become less sure
            return np.inf
        signed = np.where(right, 1, -1) * (values[0] * logit + values[1])
        return float(np.logaddexp(0, -signed).mean())

    a, b = scipy.optimize.minimize(cross_entropy, [1.0, 0.0], method="Nelder-Mead").x
    rescale(localiser.get_layer("confidence"), a, b)
    return float(a), float(b)
