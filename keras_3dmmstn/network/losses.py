"""The paper's geometric losses, as functions and as objects for `compile` and `fit`."""

from typing import Any

import keras
import tensorflow as tf


def landmark_loss(landmarks, predicted, normalise=False):
    """Computes the confidence-weighted squared distance of landmarks.

        ℓ = Σ_i c_i |L_i − l_i|²

    A landmark with confidence 0 has no influence, whatever its coordinates (even NaN); a face
    without any labelled point has loss 0.

    Args:
        landmarks: `(batch, L, 3)` float tensor: x, y in pixels and confidence c.
        predicted: `(batch, L, 2)` float tensor, pixels.
        normalise: whether to divide the paper's sum by Σ_i c_i, so that a face with few labelled
            points counts as much as one with many.

    Returns:
        `(batch,)` loss in squared pixels.

    Source:
        Bas et al. 2017, sec. 3.3, eq. (5).
    """
    squared_distance, confidence = _squared_distances(landmarks, predicted)
    loss = tf.reduce_sum(confidence * squared_distance, axis=-1)
    if normalise:
        loss = tf.math.divide_no_nan(loss, tf.reduce_sum(confidence, axis=-1))
    return loss


def landmark_distance_loss(landmarks, predicted, softness=0.6):
    """Computes the confidence-weighted mean distance of landmarks, smooth near zero.

        ℓ = Σ_i c_i (√(|L_i − l_i|² + δ²) − δ) / Σ_i c_i

    With squared distances a few landmarks that are far off outweigh all others; with distances,
    each has the same influence.

    Args:
        landmarks: `(batch, L, 3)` float tensor: x, y in pixels and confidence c; as for
            `landmark_loss`, 0 means no influence.
        predicted: `(batch, L, 2)` float tensor, pixels.
        softness: δ in pixels, below which the loss is roughly quadratic.

    Returns:
        `(batch,)` loss in pixels.

    Source:
        Charbonnier et al. 1994, the differentiable variant of |L − l|.
    """
    squared_distance, confidence = _squared_distances(landmarks, predicted)
    distance = tf.sqrt(squared_distance + softness**2) - softness
    return tf.math.divide_no_nan(
        tf.reduce_sum(confidence * distance, axis=-1), tf.reduce_sum(confidence, axis=-1)
    )


def _squared_distances(landmarks, predicted):
    """Returns squared distances and confidences, both `(batch, L)` and 0 for unlabelled points."""
    confidence = landmarks[..., 2]
    known = confidence > 0
    confidence = tf.where(known, confidence, tf.zeros_like(confidence))
    position = tf.where(known[..., None], landmarks[..., :2], tf.zeros_like(predicted))
    masked = tf.where(known[..., None], predicted, tf.zeros_like(predicted))
    return tf.reduce_sum((masked - position) ** 2, axis=-1), confidence


def shape_prior_loss(coefficients):
    """Computes the statistical prior ℓ = |α|² of shape coefficients.

    Args:
        coefficients: `(batch, D)` float tensor α, in standard deviations.

    Returns:
        `(batch,)` loss.

    Source:
        Bas et al. 2017, sec. 3.4, eq. (6).
    """
    return tf.reduce_sum(coefficients**2, axis=-1)


def symmetry_loss(texture, mask):
    """Computes the mean squared difference between textures and their mirror images.

        ℓ = Σ_i Σ_c M_i M_sym(i) (V_i^c − V_sym(i)^c)² / (channels · Σ_i M_i M_sym(i))

    It is the paper's sum, divided by its number of terms; sym(row, column) is
    (row, W' − 1 − column).

    Args:
        texture: `(batch, H', W', channels)` float tensor, levels 0..255.
        mask: `(batch, H', W', 1)` float tensor, 1 visible.

    Returns:
        `(batch,)` loss in squared levels; 0 where nothing is visible on both sides.

    Source:
        Bas et al. 2017, sec. 3.1, eq. (2).
    """
    return multi_view_loss(texture, mask, _mirrored(texture), _mirrored(mask))


def _mirrored(texture):
    """Returns the mirror images of `(batch, H', W', channels)` textures."""
    # As a list of rows, which TensorFlow reverses ten times as fast as it slices [:, :, ::-1].
    rows = tf.reshape(texture, tf.concat([[-1], tf.shape(texture)[2:]], axis=0))
    return tf.reshape(tf.reverse(rows, axis=[1]), tf.shape(texture))


def multi_view_loss(texture, mask, other_texture, other_mask):
    """Computes the mean squared difference between two textures of one face.

        ℓ = Σ_i Σ_c M_i N_i (V_i^c − W_i^c)² / (channels · Σ_i M_i N_i)

    It is the paper's sum, divided by its number of terms. Black pixels count.

    Args:
        texture, other_texture: `(batch, H', W', channels)` float tensors V and W, levels 0..255.
        mask, other_mask: `(batch, H', W', 1)` float tensors M and N, 1 visible.

    Returns:
        `(batch,)` loss in squared levels; 0 where nothing is visible in both.

    Source:
        Bas et al. 2017, sec. 3.2, eq. (3).
    """
    jointly_visible = mask * other_mask
    values = tf.reduce_sum(jointly_visible, axis=(1, 2, 3)) * texture.shape[-1]
    difference = _squared_difference(texture, other_texture, jointly_visible)
    return tf.math.divide_no_nan(difference, values)


@tf.custom_gradient
def _squared_difference(texture, other_texture, weight):
    """Returns Σ_i Σ_c J_i (V_i^c − W_i^c)² of `(batch, H', W', channels)` textures, `(batch,)`.

    With G = ∂L/∂ℓ the gradients are ∂L/∂V = −∂L/∂W = 2 G J (V − W) and
    ∂L/∂J_i = G Σ_c (V_i^c − W_i^c)².
    """
    difference = texture - other_texture
    weighted = weight * difference

    def gradient(upstream):  # (batch,) -> textures, textures, (batch, H', W', 1)
        factor = upstream[:, None, None, None]
        to_texture = 2 * factor * weighted
        to_weight = factor * tf.reduce_sum(difference**2, axis=-1, keepdims=True)
        return to_texture, -to_texture, to_weight

    return tf.reduce_sum(weighted * difference, axis=(1, 2, 3)), gradient


#: Error message for a batch in which an image lacks its reflection.
PARTED_PAIR = (
    "mirror_pair_loss expects each image to be followed by its reflection (an even batch, on each "
    "of several devices)"
)


def mirror_pair_loss(texture, mask):
    """Computes the siamese loss of a batch in which each image is followed by its reflection.

    Args:
        texture: `(2 n, H', W', channels)` float tensor: image 0, its reflection, image 1, ...
        mask: `(2 n, H', W', 1)` float tensor.

    Returns:
        `(n,)` loss in squared levels, of eq. (3) for each pair.

    Raises:
        ValueError: if the batch size is known to be odd. If it is known only at run time, an odd
            one fails there. On several devices this applies to each device's part of a batch.

    Source:
        Bas et al. 2017, sec. 3.2.
    """
    pairs = (halves(x, 1, PARTED_PAIR) for x in (texture, mask))
    (image, reflection), (image_mask, reflection_mask) = pairs
    return multi_view_loss(image, image_mask, reflection, reflection_mask)


def halves(x: tf.Tensor, run: int, expected: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the first and the second halves of the consecutive pairs in a batch.

    Args:
        x: `(2 run n, ...)` tensor: `run` elements of a first half, `run` of the second, ...
        run: the number of elements of a half.
        expected: the error message for a batch that does not consist of whole pairs.

    Returns:
        Two `(run n, ...)` tensors.

    Raises:
        ValueError: if the batch size is known and not a multiple of 2 run. If it is known only at
            run time, a wrong one fails there.
    """
    count, size = x.shape[0], 2 * run
    if count is not None and count % size:
        raise ValueError(f"{expected}, received a batch of {count}.")
    if count is None:
        whole = tf.debugging.Assert(tf.shape(x)[0] % size == 0, [expected])
        with tf.control_dependencies([whole] if whole is not None else []):
            x = tf.identity(x)
    # Not x[0::2] and x[1::2]: 2 images would be broadcast against 1 reflection.
    pairs = tf.reshape(x, (-1, 2, run, *x.shape[1:]))
    # Not pairs[:, 0] and pairs[:, 1], whose gradients would first be padded with zeros.
    first, second = (tf.reshape(h, (-1, *x.shape[1:])) for h in tf.unstack(pairs, axis=1))
    return first, second


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class LandmarkLoss(keras.losses.Loss):
    """The landmark loss for `compile(loss={"landmarks": LandmarkLoss()})`.

    Labels are `(batch, L, 3)`: x, y in pixels of the model's input, and confidence. See
    `landmark_loss`.

    Args:
        normalise: whether to divide the sum over the landmarks by the sum of their confidences.
    """

    def __init__(self, normalise: bool = False, name: str = "landmark_loss", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        _check_dtype(self)
        self.normalise = normalise

    def call(self, y_true, y_pred):
        _check_labels("LandmarkLoss", y_true, y_pred)
        return landmark_loss(y_true, y_pred, self.normalise)

    def get_config(self):
        return {**super().get_config(), "normalise": self.normalise}


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class LandmarkDistanceLoss(keras.losses.Loss):
    """The mean distance of landmarks for `compile(loss={"landmarks": LandmarkDistanceLoss()})`.

    Labels as for `LandmarkLoss`. See `landmark_distance_loss`.

    Args:
        softness: distance in pixels below which the loss is roughly quadratic.
    """

    def __init__(self, softness: float = 0.6, name: str = "landmark_distance_loss", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        _check_dtype(self)
        self.softness = float(softness)

    def call(self, y_true, y_pred):
        _check_labels("LandmarkDistanceLoss", y_true, y_pred)
        return landmark_distance_loss(y_true, y_pred, self.softness)

    def get_config(self):
        return {**super().get_config(), "softness": self.softness}


def _check_dtype(loss):
    """Raises a ValueError if a loss would be computed in half precision, for whatever reason."""
    if loss.dtype in ("float16", "bfloat16"):
        raise ValueError(
            f"{type(loss).__name__} expects to be computed in float32 or float64, received "
            f"{loss.dtype}, which is too coarse for pixels: leave keras.config.floatx() "
            'at "float32" and set a policy such as "mixed_float16" for half precision.'
        )


def _check_labels(who, labels, predicted):
    """Raises a ValueError unless labels are x, y and confidence of the predicted landmarks."""
    if labels.shape[-1] != 3 or labels.shape[-2] not in (None, predicted.shape[-2]):
        raise ValueError(
            f"{who} expects labels of shape (batch, {predicted.shape[-2]}, 3), x, y and "
            f"confidence, received shape {tuple(labels.shape)}."
        )


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class LandmarkError(keras.metrics.Metric):
    """The mean distance of landmarks in pixels, over the points whose confidence is above 0."""

    def __init__(self, name: str = "pixels", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = tf.cast(y_true, y_pred.dtype)
        known = y_true[..., 2] > 0
        # Unlabelled points get distance 0; their labels may be NaN.
        offset = tf.where(known[..., None], y_pred - y_true[..., :2], tf.zeros_like(y_pred))
        known = tf.cast(known, y_pred.dtype)
        if sample_weight is not None:
            known *= tf.cast(tf.reshape(sample_weight, (-1, 1)), y_pred.dtype)
        self.total.assign_add(tf.reduce_sum(tf.norm(offset, axis=-1) * known))
        self.count.assign_add(tf.reduce_sum(known))

    def result(self):
        return tf.math.divide_no_nan(
            tf.convert_to_tensor(self.total), tf.convert_to_tensor(self.count)
        )
