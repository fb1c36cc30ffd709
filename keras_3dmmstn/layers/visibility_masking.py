"""The masking layer."""

import keras

from keras_3dmmstn.ops import visibility


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class VisibilityMasking(keras.layers.Layer):
    """Sets the texture to 0 where the face hides itself: W = V · M.

    Call arguments:
        texture: `(batch, H', W', channels)` tensor V.
        visible: `(batch, H', W', 1)` tensor M. (Keras reserves the name `mask`.)

    Returns:
        `(batch, H', W', channels)` masked texture.

    Raises:
        ValueError: if the shapes do not match.

    Example:

    >>> texture = np.array([[[[7.0, 8.0]]]])
    >>> VisibilityMasking()(texture, np.zeros((1, 1, 1, 1))).numpy().ravel()
    array([0., 0.], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.3, "Masking layer".
    """

    def build(self, texture_shape, visible_shape):
        if len(texture_shape) != 4 or tuple(visible_shape[1:]) != (*texture_shape[1:3], 1):
            raise ValueError(
                "VisibilityMasking expects `texture` of shape (batch, H', W', channels) and "
                f"`visible` of shape (batch, H', W', 1), received shapes {tuple(texture_shape)} "
                f"and {tuple(visible_shape)}."
            )

    def call(self, texture, visible):
        return visibility.mask_texture(texture, visible)

    def compute_output_shape(self, texture_shape, visible_shape):
        return texture_shape
