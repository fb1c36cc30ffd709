"""A loss on how far eyes and mouths are open, from pairs of opposite landmarks."""

from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.network.losses import LandmarkDistanceLoss

#: Pairs of opposite landmarks of `ibug68`: upper and lower lids, inner lips.
OPENINGS = ((37, 41), (38, 40), (43, 47), (44, 46), (61, 67), (62, 66), (63, 65))


def opening_loss(landmarks, predicted, pairs=OPENINGS, softness=0.6):
    """Computes how much the offsets between pairs of landmarks differ from those of the labels.

        ℓ = Σ_ab c_ab (√(|(L_a − L_b) − (l_a − l_b)|² + δ²) − δ) / Σ_ab c_ab

    An error of a few pixels hardly counts in the mean of all landmarks, but it closes an eye or a
    mouth. Here the position of an eye does not matter, only how far it is open.

    Args:
        landmarks: `(batch, L, 3)` float tensor: x, y in pixels and confidence; c_ab is the smaller
            confidence of a pair. With 0 a pair has no influence, whatever its coordinates.
        predicted: `(batch, L, 2)` float tensor, pixels.
        pairs: the pairs (a, b).
        softness: δ in pixels, below which the loss is roughly quadratic.

    Returns:
        `(batch,)` loss in pixels; 0 for a face without a labelled pair.

    Source:
        Feng et al. 2021, "Learning an Animatable Detailed 3D Face Model from In-the-Wild Images",
        eq. (7), for eyes.
    """
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    a, b = tf.gather(landmarks, first, axis=1), tf.gather(landmarks, second, axis=1)
    known = (a[..., 2] > 0) & (b[..., 2] > 0)
    confidence = tf.where(known, tf.minimum(a[..., 2], b[..., 2]), tf.zeros_like(a[..., 2]))
    error = tf.gather(predicted, first, axis=1) - tf.gather(predicted, second, axis=1)
    error -= tf.where(known[..., None], a[..., :2] - b[..., :2], tf.zeros_like(error))
    squared = tf.where(known, tf.reduce_sum(error**2, axis=-1), tf.zeros_like(confidence))
    distance = tf.sqrt(squared + softness**2) - softness
    return tf.math.divide_no_nan(
        tf.reduce_sum(confidence * distance, axis=-1), tf.reduce_sum(confidence, axis=-1)
    )


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class LandmarkOpeningLoss(LandmarkDistanceLoss):
    """`LandmarkDistanceLoss` plus `opening_weight` times `opening_loss`.

    Labels are `(batch, L, 3)`; the first 68 landmarks are those of `ibug68`.

    Args:
        opening_weight: weight of `opening_loss`.
        softness: distance in pixels below which both losses are roughly quadratic.
    """

    def __init__(
        self,
        opening_weight: float = 1.0,
        softness: float = 0.6,
        name: str = "landmark_opening_loss",
        **kwargs: Any,
    ):
        super().__init__(softness, name=name, **kwargs)
        self.opening_weight = float(opening_weight)

    def call(self, y_true, y_pred):
        distance = super().call(y_true, y_pred)
        opening = opening_loss(y_true, y_pred, softness=self.softness)
        return distance + self.opening_weight * opening

    def get_config(self):
        return {**super().get_config(), "opening_weight": self.opening_weight}
