"""Training of the head that estimates how far off each landmark may be."""

import keras
import numpy as np
import scipy.optimize

from keras_3dmmstn.network.localiser_answers import SPREAD_LANDMARKS
from keras_3dmmstn.network.spread import with_spread
from keras_3dmmstn.training.confidence.head_training import before_activation, rescale, train_head
from keras_3dmmstn.training.confidence.train_confidence import Judgements

#: Larger distances from the label, in √(w·h), count as this.
FURTHEST = 0.5
# Stands for the distance of a landmark that has no label.
_UNKNOWN = -1.0


def has_labels_of_all(judgements: Judgements) -> bool:
    """Returns whether each landmark has a label in some of the crops."""
    return _labelled_landmarks(judgements) == SPREAD_LANDMARKS


def train_spread(localiser: keras.Model, judgements: Judgements, seed: int = 0) -> keras.Model:
    """Adds a spread to a localiser and trains it; everything else does not change.

    The loss of each landmark is

        d / s + log s

    which is least at the expected distance E[d]. Up to a constant, it is the negative log
    likelihood if distances d have an exponential distribution with mean s.

    Args:
        localiser: as from `build_localiser` or `with_confidence`, without a spread.
        judgements: judgements of this localiser; crops without labels, and thus without a face, do
            not count.
        seed: seed for the new weights and the order.

    Returns:
        The localiser `with_spread`.

    Raises:
        ValueError: if a landmark is labelled in none of the crops.
    """
    _check_labels(judgements, "train on")
    keras.utils.set_random_seed(seed)
    whole = with_spread(localiser)
    hidden, last = whole.get_layer("spread_hidden"), whole.get_layer("spread")
    distances = _distances(judgements)
    kernel, _ = last.get_weights()
    # Training starts from the mean distance of each landmark.
    last.set_weights([kernel, np.log(np.nanmean(distances, axis=0))])
    labelled = np.isfinite(distances).any(axis=1)
    wanted = np.nan_to_num(distances[labelled], nan=_UNKNOWN).astype(np.float32)
    train_head(hidden, last, judgements.features[labelled], wanted, _loss)
    return whole


def spread_of(localiser: keras.Model, features: np.ndarray) -> np.ndarray:
    """Returns the spread `(n, 68)` of a localiser for features."""
    return np.exp(before_activation(localiser, "spread", features))


def calibrate_spread(localiser: keras.Model, judgements: Judgements) -> tuple[float, float]:
    """Calibrates the spread to the mean distance, on photographs that the network never saw.

    It becomes e^b · spread^a, with the a and b of least loss.

    Args:
        localiser: a localiser with a trained spread, which is changed.
        judgements: judgements of this localiser on photographs that it was not trained on.

    Returns:
        a and b; a is positive, so the order does not change.

    Raises:
        ValueError: if a landmark is labelled in none of the crops.
    """
    _check_labels(judgements, "calibrate on")
    distances = _distances(judgements)
    known = np.isfinite(distances)
    logarithm = before_activation(localiser, "spread", judgements.features)[known]

    def loss(values):
        if values[0] <= 0:
            return np.inf
        expected = values[0] * logarithm + values[1]
        return float((distances[known] * np.exp(-expected) + expected).mean())

    a, b = scipy.optimize.minimize(loss, [1.0, 0.0], method="Nelder-Mead").x
    rescale(localiser.get_layer("spread"), a, b)
    return float(a), float(b)


def _distances(judgements):
    """Returns the distances `(n, 68)` of the landmarks from their labels, NaN without a label."""
    return np.clip(judgements.distances[:, :SPREAD_LANDMARKS], 1e-4, FURTHEST)


def _labelled_landmarks(judgements):
    """Returns how many landmarks have labels."""
    return int(np.isfinite(_distances(judgements)).any(axis=0).sum())


def _check_labels(judgements, what):
    """Raises a ValueError unless each landmark has a label in some of the crops."""
    if not has_labels_of_all(judgements):
        raise ValueError(
            f"Expected crops to {what} with labels of all {SPREAD_LANDMARKS} landmarks of ibug68, "
            f"received some of {_labelled_landmarks(judgements)}."
        )


def _loss(wanted, spread):
    """Returns the mean loss of the labelled landmarks, `(batch,)`."""
    known = keras.ops.cast(wanted >= 0, "float32")
    each = wanted / spread + keras.ops.log(spread)
    count = keras.ops.maximum(keras.ops.sum(known, axis=-1), 1)
    return keras.ops.sum(known * each, axis=-1) / count
